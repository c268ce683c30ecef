//! `patchbay audit`: an export verified offline, and the configured database.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use chrono::DateTime;
use domain::{
    AuditEvent, AuditId, AuditOutcome, TenantId,
    audit::{ExportLine, Link, Signer, Statement},
};
use serde_json::json;

use crate::binary;

fn verify(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(binary())
        .args(["audit", "verify"])
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .expect("the binary runs")
}

/// Ten entries and a checkpoint at the last, as an export writes them.
fn export(signer: &Signer) -> Vec<String> {
    let tenant = TenantId::generate();
    let (mut end, mut lines) = (Link::GENESIS, Vec::new());
    for number in 0..10 {
        let event = AuditEvent {
            id: AuditId::generate(),
            tenant,
            at: DateTime::from_timestamp(1_800_000_000 + number, 0).expect("a time"),
            actor: "user:x".to_owned(),
            action: "install.update".to_owned(),
            target: None,
            outcome: AuditOutcome::Succeeded,
            request_id: format!("request-{number}"),
            detail: json!({}),
            link: Link::GENESIS,
        };
        let event = event.after(end);
        end = event.link;
        lines.push(ExportLine::Event(event));
    }
    let at = DateTime::from_timestamp(1_800_000_100, 0).expect("a time");
    let checkpoint = signer.sign(tenant, Statement::Head, end, at);
    lines.insert(0, ExportLine::Checkpoint(checkpoint));
    lines.iter().map(|line| serde_json::to_string(line).expect("JSON")).collect()
}

fn found(path: &Path, key: &str, lines: &[String]) -> (Option<i32>, String) {
    fs::write(path, lines.join("\n")).expect("written");
    let output = verify(&[path.to_str().expect("UTF-8"), "--public-key", key], &[]);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn export_is_verified_offline_and_the_first_bad_entry_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("audit.jsonl");
    let signer = Signer::from_seed(&[9; 32]);
    let key = signer.public_key().to_hex();
    let lines = export(&signer);
    let (code, said) = found(&path, &key, &lines);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("10 entries (1 to 10)"), "{said}");
    let changed = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.clone();
        change(&mut lines);
        lines
    };
    let cases = [
        ("flipped byte", 5, changed(&|it| it[5] = it[5].replace("request-4", "request-5"))),
        ("broken line", 5, changed(&|it| it[5] = it[5].replace("\"seq\"", "\"sex\""))),
        ("deleted row", 5, changed(&|it| drop(it.remove(5)))),
        ("swapped rows", 4, changed(&|it| it.swap(4, 7))),
        ("truncated tail", 8, changed(&|it| it.truncate(8))),
        ("changed checkpoint", 9, changed(&|it| it[0] = it[0].replace("\"seq\":10", "\"seq\":9"))),
    ];
    for (what, seq, lines) in cases {
        let (code, said) = found(&path, &key, &lines);
        assert_eq!(code, Some(1), "{what}: {said}");
        let expected = said.contains(&format!("first bad entry {seq}"));
        assert!(expected, "{what}: {said}");
    }
    let stranger = Signer::from_seed(&[8; 32]).public_key().to_hex();
    let (code, said) = found(&path, &stranger, &lines);
    assert_eq!(code, Some(1), "{said}");
    let output = verify(&[path.to_str().expect("UTF-8")], &[]);
    assert_eq!(output.status.code(), Some(2), "an export needs a key");
}

#[test]
fn configured_database_is_verified_with_the_keys_of_its_vault() {
    let directory = tempfile::tempdir().expect("a directory");
    let key = directory.path().join("vault.key");
    fs::write(&key, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n").expect("written");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("private");
    let database = format!("sqlite:{}", directory.path().join("patchbay.db").display());
    let environment = [
        ("PATCHBAY__DATABASE__URL", database.as_str()),
        ("PATCHBAY__VAULT__KEY_FILE", key.to_str().expect("UTF-8")),
    ];
    for command in ["migrate", "set-up"] {
        let output = Command::new(binary()).arg(command).envs(environment).output();
        let output = output.expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let output = verify(&[], &environment);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.starts_with("demo: in order: "), "{said}");
    let output = verify(&["--tenant", "nobody"], &environment);
    assert_eq!(output.status.code(), Some(2), "there is no such organisation");
}
