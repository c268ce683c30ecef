//! The direction of dependencies, as a table that a test holds against `cargo metadata`.
//!
//! `deny.toml` says the same for `cargo deny`; this needs nothing installed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::Deserialize;
use tokio::process::Command;

use crate::{Error, process};

/// What each crate of ours may name in its code, beside crates from the registry. Lowest layer first.
pub const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("telemetry", &["domain"]),
    ("migrations", &[]),
    ("store", &["domain", "telemetry", "migrations"]),
    ("vault", &["domain", "telemetry", "egress"]),
    ("backplane", &["domain", "telemetry"]),
    ("egress", &["domain", "telemetry"]),
    ("policy", &["domain", "telemetry"]),
    ("authserver", &[]),
    ("connector-sdk", &["domain", "telemetry", "egress"]),
    ("connectors", &["domain", "telemetry", "egress", "connector-sdk"]),
    (
        "control",
        &[
            "domain",
            "telemetry",
            "store",
            "vault",
            "backplane",
            "egress",
            "policy",
            "authserver",
            "connector-sdk",
            "connectors",
        ],
    ),
    // The doors see verbs and wires, never the truth: no store, vault, connectors.
    ("api", &["domain", "telemetry", "backplane", "control"]),
    ("worker", &["domain", "telemetry", "backplane", "control"]),
    ("gateway", &["domain", "telemetry", "backplane", "egress", "policy", "control"]),
    (
        "patchbay",
        &[
            "domain",
            "telemetry",
            "migrations",
            "store",
            "vault",
            "backplane",
            "egress",
            "policy",
            "connector-sdk",
            "connectors",
            "control",
            "api",
            "worker",
            "gateway",
        ],
    ),
    // For tests and measurements: they see the product from outside.
    ("testkit", &[]),
    ("loadtest", &["testkit"]),
];

/// Crates from the registry that only these crates of ours may name.
pub const OWNED: &[(&str, &[&str])] = &[
    ("sea-orm", &["store", "migrations"]),
    ("sea-orm-migration", &["store", "migrations"]),
    ("sqlx", &["connectors"]),
    ("redis", &["backplane"]),
    ("lapin", &["backplane"]),
    ("chacha20poly1305", &["vault", "backplane", "gateway"]),
    ("async-graphql", &["api"]),
    ("utoipa", &["api"]),
    ("actix-web", &["api", "gateway", "patchbay"]),
    ("hyper-rustls", &["egress"]),
    ("reqwest", &[]),
];

/// Crates that must not be anywhere in the lock file, and why.
pub const BANNED: &[(&str, &str)] = &[
    ("openssl", "TLS is rustls everywhere"),
    ("openssl-sys", "TLS is rustls everywhere"),
    ("native-tls", "TLS is rustls everywhere"),
    ("aws-lc-rs", "one rustls provider is linked, and it is ring"),
    ("aws-lc-sys", "one rustls provider is linked, and it is ring"),
];

/// The parts of `cargo metadata` that matter here.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    source: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// `None` for ordinary, `dev` or `build`.
    kind: Option<String>,
}

// === impl Metadata ===

impl Metadata {
    /// Asks cargo about the workspace that holds `manifest`, without touching the network or the lock file.
    pub async fn read(manifest: &Path) -> Result<Self, Error> {
        let mut command = Command::new("cargo");
        command.args(["metadata", "--format-version", "1", "--locked", "--manifest-path"]);
        let text = process::run(command.arg(manifest)).await?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|source| Error::Json { text: String::new(), source })
    }

    /// Every rule that is broken, one sentence each.
    pub fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        let ours: BTreeMap<&str, &Package> = self
            .packages
            .iter()
            .filter(|package| self.workspace_members.contains(&package.id))
            .map(|package| (package.name.as_str(), package))
            .collect();
        for package in ours.values() {
            package.check_direction(&ours.keys().copied().collect(), &mut found);
            package.check_owned(&mut found);
        }
        self.check_banned(&mut found);
        found
    }

    fn check_banned(&self, found: &mut Vec<String>) {
        for package in &self.packages {
            if let Some((name, reason)) = BANNED.iter().find(|(name, _)| *name == package.name) {
                found.push(format!("`{name}` is in the lock file: {reason}; `cargo tree -i {name}` tells whose it is"));
            }
            if package.source.as_ref().is_some_and(|source| source.starts_with("git+")) {
                found.push(format!(
                    "`{}` comes from a git repository: take it from the registry",
                    package.name
                ));
            }
        }
        let sqlx: BTreeSet<&str> = self
            .packages
            .iter()
            .filter(|package| package.name == "sqlx-core")
            .map(|package| package.version.as_str())
            .collect();
        if sqlx.len() > 1 {
            found.push(format!(
                "there are {} versions of sqlx in the lock file: {sqlx:?}",
                sqlx.len()
            ));
        }
    }
}

// === impl Package ===

impl Package {
    /// Ordinary and build dependencies: tests may use what they like.
    fn shipped(&self) -> impl Iterator<Item = &Dependency> {
        self.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev"))
    }

    fn check_direction(&self, ours: &BTreeSet<&str>, found: &mut Vec<String>) {
        let name = &self.name;
        let Some((_, allowed)) = ALLOWED.iter().find(|(crate_name, _)| crate_name == name) else {
            found.push(format!(
                "`{name}` has no line in ALLOWED (crates/testkit/src/layers.rs): say there which layer it is in"
            ));
            return;
        };
        for dependency in self.shipped().map(|dependency| dependency.name.as_str()) {
            if ours.contains(dependency) && !allowed.contains(&dependency) {
                found.push(format!(
                    "`{name}` must not depend on `{dependency}`: the path is door -> control -> store, and nothing points up"
                ));
            }
        }
    }

    fn check_owned(&self, found: &mut Vec<String>) {
        for dependency in self.shipped().map(|dependency| dependency.name.as_str()) {
            let owners =
                OWNED.iter().find(|(name, _)| *name == dependency).map(|(_, owners)| *owners);
            if owners.is_some_and(|owners| !owners.contains(&self.name.as_str())) {
                found.push(format!(
                    "`{}` must not name `{dependency}`: that is the business of {owners:?}",
                    self.name
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Value {
        let dependencies: Vec<_> =
            dependencies.iter().map(|(name, kind)| json!({ "name": name, "kind": kind })).collect();
        json!({ "id": name, "name": name, "version": "1.0.0", "source": null, "dependencies": dependencies })
    }

    fn violations(packages: &[Value], members: &[&str]) -> Vec<String> {
        let metadata = json!({ "packages": packages, "workspace_members": members });
        Metadata::parse(&metadata.to_string()).expect("metadata").violations()
    }

    #[test]
    fn a_door_that_names_the_store_is_found() {
        let found = violations(
            &[package("gateway", &[("store", None)]), package("store", &[])],
            &["gateway", "store"],
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("`gateway` must not depend on `store`"), "{found:?}");
    }

    #[test]
    fn tests_of_a_door_may_name_the_store() {
        let found = violations(
            &[package("gateway", &[("store", Some("dev"))]), package("store", &[])],
            &["gateway", "store"],
        );
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn sea_orm_outside_the_store_is_found() {
        let found = violations(
            &[package("control", &[("sea-orm", None)]), package("sea-orm", &[])],
            &["control"],
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("`control` must not name `sea-orm`"), "{found:?}");
    }

    #[test]
    fn a_new_crate_without_a_layer_is_found() {
        let found = violations(&[package("helpers", &[])], &["helpers"]);
        assert!(found[0].contains("`helpers` has no line"), "{found:?}");
    }

    #[test]
    fn a_banned_crate_and_a_git_source_are_found() {
        let mut foreign = package("something", &[]);
        foreign["source"] = json!("git+https://example.org/something");
        let found = violations(&[package("openssl", &[]), foreign], &[]);
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
