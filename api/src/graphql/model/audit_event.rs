//! Entries of the audit log.

use async_graphql::{Enum, ID, Object};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// How an audited operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::AuditOutcome")]
pub(crate) enum AuditOutcome {
    Succeeded,
    Denied,
    Failed,
}

pub(crate) struct AuditEvent(pub(crate) domain::AuditEvent);

/// An entry of the audit log.
#[Object]
impl AuditEvent {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// Global id of who did it.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// `noun.verb`, for instance `install.create`.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// Global id or name of what was acted on.
    async fn target(&self) -> Option<&str> {
        self.0.target.as_deref()
    }

    async fn outcome(&self) -> AuditOutcome {
        self.0.outcome.into()
    }

    async fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// Further facts; never results or secrets, and arguments only where the organisation asked for them.
    async fn detail(&self) -> &Value {
        &self.0.detail
    }

    /// Its number in the organisation's log, without gaps.
    async fn seq(&self) -> i64 {
        self.0.link.seq
    }

    /// Hash of the entry before, in hex.
    async fn prev_hash(&self) -> String {
        self.0.link.prev.to_string()
    }

    /// SHA-256 of `prevHash` and this entry, in hex.
    async fn hash(&self) -> String {
        self.0.link.hash.to_string()
    }
}
