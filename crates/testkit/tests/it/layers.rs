//! The direction of dependencies, held against the real workspace.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use testkit::layers::{ALLOWED, BANNED, Metadata, OWNED};

#[derive(Deserialize)]
struct DenyFile {
    bans: Bans,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    wrappers: Option<BTreeSet<String>>,
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[tokio::test]
async fn no_crate_depends_on_a_layer_above_it() {
    let metadata = Metadata::read(&repository("Cargo.toml")).await.expect("cargo metadata");
    let found = metadata.violations();
    assert!(
        found.is_empty(),
        "dependencies point the wrong way; docs/ARCHITECTURE.md has the layers:\n{}",
        found.join("\n")
    );
}

/// `deny.toml` and the table of the test above are two writings of one rule: they must not drift apart.
#[test]
fn deny_toml_and_the_layer_table_agree() {
    let text = std::fs::read_to_string(repository("deny.toml")).expect("deny.toml");
    let file: DenyFile = toml::from_str(&text).expect("TOML");
    let bans: BTreeMap<String, BTreeSet<String>> = file
        .bans
        .deny
        .into_iter()
        .map(|ban| (ban.name, ban.wrappers.unwrap_or_default()))
        .collect();

    for (name, _) in BANNED {
        assert_eq!(bans.get(*name), Some(&BTreeSet::new()), "`{name}` must be banned in deny.toml");
    }
    let ours: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    for name in &ours {
        let users: BTreeSet<String> = ALLOWED
            .iter()
            .filter(|(_, allowed)| allowed.contains(name))
            .map(|(user, _)| (*user).to_owned())
            .collect();
        // The lowest layer is everybody's; the highest and the test crates are nobody's.
        if ["domain", "telemetry", "patchbay", "testkit", "loadtest"].contains(name) {
            continue;
        }
        assert_eq!(bans.get(*name), Some(&users), "wrappers of `{name}` in deny.toml");
    }
    for (name, owners) in OWNED {
        let wrappers = bans.get(*name).cloned().unwrap_or_default();
        let ours: BTreeSet<&str> =
            wrappers.iter().map(String::as_str).filter(|wrapper| ours.contains(wrapper)).collect();
        assert_eq!(ours, owners.iter().copied().collect(), "wrappers of `{name}` in deny.toml");
    }
}
