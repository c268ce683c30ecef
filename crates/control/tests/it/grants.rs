//! Where the system acts without a person: every such place is counted, so that a new one is looked at.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Folders with code that runs in the product.
const ROOTS: &[&str] = &["api/src", "worker/src", "gateway/src", "crates"];

/// How often each reason may be given. If this assertion failed: look for a use-case that can carry the caller's own grant
/// instead; if there is none, review who can reach the new place and what it can touch, and raise the number.
const EXPECTED: &[(&str, usize)] = &[
    ("AuthorizeClient", 1),
    ("BuildRoutes", 1),
    ("DeliverEvents", 1),
    ("KeepAudit", 1),
    ("OwnMembership", 1),
    ("Provision", 1),
    ("RecordAudit", 2),
    ("RotateKeys", 2),
    ("RunJob", 1),
    ("ScheduleSync", 1),
    ("SealCredential", 2),
    ("SetUp", 1),
    ("SignIn", 3),
    ("UseCredential", 1),
];

#[test]
fn system_acts_only_where_it_is_expected_to() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for folder in ROOTS {
        for file in sources(&root.join(folder)) {
            let text = fs::read_to_string(&file).expect("a source file");
            for call in text.split("Granted::system(").skip(1) {
                let reason = call.trim_start().strip_prefix("SystemReason::").map(|rest| {
                    rest.chars().take_while(|c| c.is_alphanumeric()).collect::<String>()
                });
                let reason = reason.unwrap_or_else(|| {
                    panic!(
                        "{}: name the reason at the call, so that it can be counted",
                        file.display()
                    )
                });
                *found.entry(reason).or_default() += 1;
            }
        }
    }
    let expected: BTreeMap<String, usize> =
        EXPECTED.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect();
    assert_eq!(found, expected);
}

/// Rust files that are part of a crate, without its tests and what is only built for tests and measurements.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !matches!(name, "tests" | "testkit" | "examples" | "target") {
                files.extend(sources(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs"
        {
            files.push(path);
        }
    }
    files
}
