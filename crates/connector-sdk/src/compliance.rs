//! Checks of the rules in `docs/connector-spec.md`. Tests run them over every connector of the registry.
//!
//! The checks report instead of panicking, so that one run names everything that is wrong.

mod behaviour;
mod manifest;
mod replica;

use std::fmt;

pub use behaviour::{Fixture, check_behaviour};
pub use manifest::check_manifest;
pub use replica::Replica;

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// One of [`RULES`].
    pub rule: &'static str,
    /// What exactly breaks it.
    pub message: String,
}

/// Every rule that is checked, by the name under which `docs/connector-spec.md` states it.
pub const RULES: &[&str] = &[
    "manifest.id",
    "manifest.version",
    "manifest.texts",
    "manifest.categories",
    "manifest.hosts",
    "manifest.round_trip",
    "schema.valid",
    "schema.closed",
    "schema.described",
    "schema.defaults",
    "schema.secrets",
    "streams.names",
    "tools.names",
    "tools.hints",
    "capabilities.consistent",
    "check.reports",
    "sync.terminates",
    "sync.pages",
    "sync.cancels",
    "sync.resumes",
    "sync.settles",
    "tools.unknown",
    "tools.arguments",
    "tools.cancels",
];

/// Collects violations.
#[derive(Debug, Default)]
struct Findings(Vec<Violation>);

// === impl Violation ===

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.rule, self.message)
    }
}

// === impl Findings ===

impl Findings {
    fn add(&mut self, rule: &'static str, message: impl Into<String>) {
        debug_assert!(RULES.contains(&rule), "`{rule}` is missing from RULES");
        self.0.push(Violation { rule, message: message.into() });
    }

    /// Notes a violation unless `holds`.
    fn demand(&mut self, holds: bool, rule: &'static str, message: impl FnOnce() -> String) {
        if !holds {
            self.add(rule, message());
        }
    }
}
