//! Runs of an install's sync.

use async_graphql::{Enum, ID, Object};
use chrono::{DateTime, Utc};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::RunState")]
pub(crate) enum RunState {
    Queued,
    Running,
    /// Waits for its next try after a passing failure.
    Retrying,
    Succeeded,
    Failed,
    Cancelled,
}

pub(crate) struct SyncRun(pub(crate) domain::SyncRun);

/// One run of an install's sync.
#[Object]
impl SyncRun {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    async fn install_id(&self) -> ID {
        ID(self.0.install.to_string())
    }

    async fn state(&self) -> RunState {
        self.0.state.into()
    }

    async fn attempt(&self) -> i32 {
        self.0.attempt
    }

    /// Pages committed so far.
    async fn pages(&self) -> i64 {
        self.0.pages
    }

    async fn records_upserted(&self) -> i64 {
        self.0.records_upserted
    }

    async fn records_deleted(&self) -> i64 {
        self.0.records_deleted
    }

    /// Estimate by the connector, if it has one.
    async fn records_total(&self) -> Option<i64> {
        self.0.records_total
    }

    async fn cancel_requested(&self) -> bool {
        self.0.cancel_requested
    }

    /// What went wrong, in the words of the person who can do something about it.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    async fn started_at(&self) -> Option<DateTime<Utc>> {
        self.0.started_at
    }

    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }
}
