//! Starting: what is wrong is said at once, in words that tell what to do, and nothing is left half-made.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use crate::{binary, config, embedded};

fn patchbay(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(binary())
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .expect("the binary runs")
}

/// The command is refused with the exit code for what the caller can change, and says all of these.
fn refused(output: &Output, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
    assert!(!text.contains("panicked") && !text.contains("hunter2"), "{text}");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[test]
fn taken_port_names_the_port_and_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let data = tempfile::tempdir().expect("a directory");
    let output = patchbay(&["up", "--data-dir", text(data.path()), "--port", &port], &[]);
    refused(&output, &[&port, "--port"]);
    assert!(!data.path().join("patchbay.db").exists(), "nothing was made");
}

#[test]
fn directory_that_cannot_be_made_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    fs::write(&file, "in the way").expect("written");
    let output = patchbay(&["up", "--data-dir", text(&file.join("data")), "--port", "0"], &[]);
    refused(&output, &["cannot be written", "--data-dir"]);
}

#[test]
fn directory_of_documents_that_is_not_there_is_named_before_anything_is_made() {
    let directory = tempfile::tempdir().expect("a directory");
    let (data, documents) = (directory.path().join("data"), directory.path().join("documents"));
    let up = ["up", "--data-dir", text(&data), "--port", "0", "--files", text(&documents)];
    refused(&patchbay(&up, &[]), &[text(&documents), "--files"]);
    assert!(!data.exists(), "nothing was made");
}

#[tokio::test]
async fn second_process_on_the_same_data_is_refused() {
    let data = tempfile::tempdir().expect("a directory");
    let documents = tempfile::tempdir().expect("a directory");
    let plane = embedded(config(documents.path()).data_dir(data.path())).await;
    let output = patchbay(&["up", "--data-dir", text(data.path()), "--port", "0"], &[]);
    refused(&output, &["another Patchbay process", "--data-dir"]);
    plane.stop().await.expect("a clean stop");
}

#[test]
fn sign_in_link_for_a_directory_without_data_is_refused() {
    let data = tempfile::tempdir().expect("a directory");
    let output = patchbay(&["sign-in-link", "--data-dir", text(data.path())], &[]);
    refused(&output, &["holds no data", text(data.path()), "--data-dir"]);
    assert_eq!(fs::read_dir(data.path()).expect("a directory").count(), 0, "nothing was made");
}

#[tokio::test]
async fn sign_in_link_is_made_beside_the_running_product() {
    let data = tempfile::tempdir().expect("a directory");
    let documents = tempfile::tempdir().expect("a directory");
    let plane = embedded(config(documents.path()).data_dir(data.path())).await;
    let output = patchbay(&["sign-in-link", "--data-dir", text(data.path())], &[]);
    let link = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(link.starts_with(&format!("{}/sign-in/", plane.facts.console_url)), "{link}");
    assert_eq!(plane.http.get(link.trim(), &[]).await.expect("a page").status, 200);
    let stranger = ["sign-in-link", "--data-dir", text(data.path()), "--tenant", "nobody"];
    refused(&patchbay(&stranger, &[]), &["`nobody`", "set-up"]);
    plane.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn files_with_secrets_are_for_their_owner_only() {
    let data = tempfile::tempdir().expect("a directory");
    let documents = tempfile::tempdir().expect("a directory");
    let plane = embedded(config(documents.path()).data_dir(data.path())).await;
    for name in ["vault.key", "up.json"] {
        let mode = fs::metadata(data.path().join(name)).expect(name).permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} has mode {mode:o}");
    }
    plane.stop().await.expect("a clean stop");
}

#[test]
fn unknown_key_in_the_file_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("patchbay.toml");
    fs::write(&file, "[gateway]\nrequests_per_sekond = 3\n").expect("written");
    let output = patchbay(&["--config", text(&file), "config", "check"], &[]);
    refused(&output, &["requests_per_sekond"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text.matches("requests_per_sekond").count(), 1, "said once: {text}");
}

#[test]
fn unknown_key_in_the_environment_is_named() {
    let output = patchbay(&["config", "check"], &[("PATCHBAY__SERVER__LISSEN", "127.0.0.1:1")]);
    refused(&output, &["lissen"]);
}

#[test]
fn wrong_scheme_names_the_setting_and_what_is_allowed() {
    let wrong = [("PATCHBAY__QUEUE__URL", "kafka://user:hunter2@host")];
    refused(&patchbay(&["config", "check"], &wrong), &["queue.url", "amqp:"]);
}

#[test]
fn listening_everywhere_without_an_address_for_users_is_refused() {
    let data = tempfile::tempdir().expect("a directory");
    let directory = data.path().join("data");
    let everywhere = [("PATCHBAY__SERVER__LISTEN", "0.0.0.0:0")];
    let output = patchbay(&["up", "--data-dir", text(&directory)], &everywhere);
    refused(&output, &["0.0.0.0:0", "server.public_url"]);
    assert!(!directory.exists(), "nothing was made");
}

#[test]
fn servers_that_the_whole_product_would_leave_aside_are_refused() {
    let data = tempfile::tempdir().expect("a directory");
    let directory = data.path().join("data");
    let elsewhere = [("PATCHBAY__DATABASE__URL", "postgres://user:hunter2@host/patchbay")];
    let output = patchbay(&["up", "--data-dir", text(&directory), "--port", "0"], &elsewhere);
    refused(&output, &["database.url", "serve --role"]);
    assert!(!directory.exists(), "nothing was made");
}

#[test]
fn single_role_on_embedded_backends_is_refused() {
    let output = patchbay(&["serve", "--role", "worker"], &[]);
    refused(&output, &["database.url", "patchbay up"]);
}

#[test]
fn database_that_is_away_is_an_error_without_its_password() {
    let environment = [
        ("PATCHBAY__DATABASE__URL", "postgres://user:hunter2@127.0.0.1:1/patchbay"),
        ("PATCHBAY__QUEUE__URL", "amqp://127.0.0.1:1"),
        ("PATCHBAY__CACHE__URL", "redis://127.0.0.1:1"),
    ];
    let output = patchbay(&["migrate"], &environment);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("database.url") && text.contains("because"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn printed_configuration_hides_secrets() {
    let environment = [
        ("PATCHBAY__DATABASE__URL", "postgres://user:hunter2@host/patchbay"),
        ("PATCHBAY__VAULT__KEY", "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmg="),
    ];
    let output = patchbay(&["config", "print"], &environment);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("hunter2") && !text.contains("aHVudGVy"), "{text}");
    assert!(text.contains("@host/patchbay") || text.contains("//host/patchbay"), "{text}");
}
