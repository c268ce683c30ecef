//! What an organisation wants of its audit log, and what is signed about it.

use async_graphql::{Enum, Object};
use chrono::{DateTime, Utc};

/// What happens to a call that cannot be noted because the audit log does not keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::audit::Overload")]
pub(crate) enum AuditOverload {
    /// It is refused: what is not noted does not happen.
    Block,
    /// It is served; the log says how many calls are missing.
    Drop,
}

pub(crate) struct AuditSettings(pub(crate) domain::audit::AuditSettings);

/// What the organisation wants of its audit log.
#[Object]
impl AuditSettings {
    /// Whether the arguments of tool calls are kept, without what looks like a secret.
    async fn keep_arguments(&self) -> bool {
        self.0.keep_arguments
    }

    /// Days after which entries are removed; null keeps them.
    async fn retention_days(&self) -> Option<u32> {
        self.0.retention_days
    }

    /// Null is what the operator set.
    async fn overload(&self) -> Option<AuditOverload> {
        self.0.overload.map(Into::into)
    }
}

pub(crate) struct AuditCheckpoint(pub(crate) domain::audit::Checkpoint);

/// A signed statement about the end of the audit log. Keep it elsewhere: it finds out a log that was cut off later.
#[Object]
impl AuditCheckpoint {
    /// Number of the last entry.
    async fn seq(&self) -> i64 {
        self.0.seq
    }

    /// Hash of that entry.
    async fn hash(&self) -> String {
        self.0.hash.to_string()
    }

    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// Name of the key; the keys themselves are at `/api/v1/audit-keys`.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// Ed25519, in hex.
    async fn signature(&self) -> &str {
        &self.0.signature
    }
}
