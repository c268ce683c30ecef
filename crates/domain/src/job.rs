//! Background work: what a job says and where it stands. A payload holds ids only, never secrets or whole objects.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{InstallId, JobId, KeyRotationId, RunId, TenantId, WebhookDeliveryId};

/// Which queue a job waits in, so that bulk work never delays what a person waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Somebody waits for it.
    Interactive,
    /// Scheduled work.
    Bulk,
    /// What is told to addresses of organisations, which may be slow: each organisation has only some of it at a time.
    Delivery,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum JobPayload {
    /// Run one sync of an install.
    SyncInstall { install: InstallId, run: RunId },
    /// Seal every secret of the organisation under the newest version of its data key.
    RotateDataKey { rotation: KeyRotationId },
    /// Hand what is new in the organisation's audit log to those who want to be told.
    RelayEvents {},
    /// Tell one event to one address.
    DeliverWebhook { delivery: WebhookDeliveryId },
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Due at `run_at`.
    Ready,
    /// Held by a worker until `lease_until`.
    Claimed,
    Done,
    /// Gave up after its last attempt.
    Dead,
    /// Of a kind that this version does not know: kept for one that does.
    Parked,
}

/// A claimed job: this worker holds it until `lease_until`.
#[derive(Debug, Clone)]
pub struct Job {
    pub id: JobId,
    pub tenant: TenantId,
    /// `Err` holds the stored kind of a payload that this version cannot read.
    pub payload: Result<JobPayload, String>,
    pub lane: Lane,
    /// 1 for the first try.
    pub attempt: i32,
    pub lease_until: DateTime<Utc>,
    /// W3C `traceparent` of the span that enqueued it: the job joins its trace.
    pub traceparent: Option<String>,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settle {
    Done,
    /// Try again at this time.
    RetryAt(DateTime<Utc>),
    /// Give up.
    Dead,
    Parked,
}

// === impl Lane ===

impl Lane {
    pub const ALL: &[Lane] = &[Lane::Interactive, Lane::Bulk, Lane::Delivery];

    pub const fn as_str(self) -> &'static str {
        match self {
            Lane::Interactive => "interactive",
            Lane::Bulk => "bulk",
            Lane::Delivery => "delivery",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|lane| lane.as_str() == text)
    }
}

// === impl JobPayload ===

impl JobPayload {
    /// Every kind that this version can carry out.
    pub const KINDS: &[&str] =
        &["sync_install", "rotate_data_key", "relay_events", "deliver_webhook"];

    /// The stored kind; old names stay readable by serde aliases.
    pub const fn kind(&self) -> &'static str {
        match self {
            JobPayload::SyncInstall { .. } => "sync_install",
            JobPayload::RotateDataKey { .. } => "rotate_data_key",
            JobPayload::RelayEvents {} => "relay_events",
            JobPayload::DeliverWebhook { .. } => "deliver_webhook",
        }
    }
}

// === impl JobState ===

impl JobState {
    pub const fn as_str(self) -> &'static str {
        match self {
            JobState::Ready => "ready",
            JobState::Claimed => "claimed",
            JobState::Done => "done",
            JobState::Dead => "dead",
            JobState::Parked => "parked",
        }
    }
}
