//! The things an organisation has. Plain data: a row becomes one of these, a door wraps one of these, and there is no third shape.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ApiKeyId, Classification, CredentialId, EndpointId, InstallId, MembershipId, RecordId, Role,
    RunId, SessionId, TenantId, UserId, identity::SessionProof,
};

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    pub id: TenantId,
    /// Its part of the MCP URL: `[a-z0-9-]`, 1 to 40 characters.
    pub slug: String,
    pub name: String,
    pub created_at: DateTime<Utc>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub display_name: String,
    pub created_at: DateTime<Utc>,
}

/// A person's place in an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub id: MembershipId,
    pub tenant: TenantId,
    pub user: UserId,
    pub role: Role,
    /// The highest classification that the member reaches.
    pub clearance: Classification,
    pub created_at: DateTime<Utc>,
    /// Since when the organisation's directory has switched the member off: they may nothing.
    pub deactivated_at: Option<DateTime<Utc>>,
    /// Since when people here have suspended the member: they may nothing.
    pub suspended_at: Option<DateTime<Utc>>,
}

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    pub tenant: TenantId,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    /// When the person last proved who they are.
    pub authenticated_at: DateTime<Utc>,
    /// Seconds without a request after which it ends; `None` does not look at it.
    pub idle_seconds: Option<i64>,
    /// Who vouched for the person; `None` for a one-time link.
    pub proof: Option<SessionProof>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Where an install stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstallStatus {
    /// Works, or has not been tried yet.
    Active,
    /// Switched off by an admin: hidden from clients, kept.
    Paused,
    /// The upstream refused the credential: hidden from clients until a new one is given.
    NeedsReauth,
}

/// A connector installed by an organisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Install {
    pub id: InstallId,
    pub tenant: TenantId,
    /// Id in the marketplace, for instance `postgres`.
    pub connector: String,
    /// Prefix of its tools (`{alias}__{tool}`): `[a-z0-9_]`, 1 to 24 characters, unique in the tenant, never changed.
    pub alias: String,
    pub display_name: String,
    /// Settings by the connector's config schema; never a secret.
    pub config: Value,
    pub status: InstallStatus,
    /// How confidential everything of it is.
    pub classification: Classification,
    /// Whether a credential is stored.
    pub has_credential: bool,
    /// Counts every change: part of cache keys.
    pub version: i64,
    /// Seconds between automatic syncs; `None` syncs only when asked.
    pub sync_interval_seconds: Option<i64>,
    pub last_synced_at: Option<DateTime<Utc>>,
    pub record_count: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A sealed secret of an install. The plaintext is only ever in the vault's guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    pub id: CredentialId,
    pub tenant: TenantId,
    pub install: InstallId,
    /// Part of the associated data of the seal.
    pub version: i64,
    pub sealed: Vec<u8>,
    pub created_at: DateTime<Utc>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Queued,
    Running,
    /// Waits for its next try after a passing failure.
    Retrying,
    Succeeded,
    Failed,
    Cancelled,
}

/// One run of an install's sync.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncRun {
    pub id: RunId,
    pub tenant: TenantId,
    pub install: InstallId,
    pub state: RunState,
    pub attempt: i32,
    pub pages: i64,
    pub records_upserted: i64,
    pub records_deleted: i64,
    /// Estimate by the connector, if it has one.
    pub records_total: Option<i64>,
    /// Where the run goes on after a crash: written with the page that it follows.
    pub cursor: Option<Value>,
    pub cancel_requested: bool,
    /// In the words of the person who can do something about it.
    pub error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// A synced document.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub id: RecordId,
    pub tenant: TenantId,
    pub install: InstallId,
    /// Which of the connector's streams it came from.
    pub stream: String,
    /// The source's own name of it: unique per install and stream.
    pub external_id: String,
    pub title: String,
    pub body: String,
    pub mime_type: String,
    /// Where a person can look at the original.
    pub url: Option<String>,
    pub metadata: Value,
    /// SHA-256 of title, body and metadata: an unchanged document is not written again.
    pub content_hash: String,
    pub source_updated_at: Option<DateTime<Utc>>,
    pub synced_at: DateTime<Utc>,
}

/// A record found by a search.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordHit {
    pub record: Record,
    /// Higher is better; comparable only within one answer.
    pub score: f64,
    /// A piece of the body around the words found.
    pub snippet: String,
}

/// An MCP endpoint of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub id: EndpointId,
    pub tenant: TenantId,
    pub slug: String,
    pub name: String,
    pub instructions: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// A key for AI clients and scripts. Its text is shown once and never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub tenant: TenantId,
    pub name: String,
    /// First characters, for display.
    pub prefix: String,
    pub last_four: String,
    pub role: Role,
    /// `Some` limits the key to these installs.
    pub installs: Option<Vec<InstallId>>,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

// === impl Membership ===

impl Membership {
    /// Whether the member may come in: neither the directory nor an admin has switched them off.
    pub const fn is_active(&self) -> bool {
        self.deactivated_at.is_none() && self.suspended_at.is_none()
    }
}

// === impl InstallStatus ===

impl InstallStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            InstallStatus::Active => "active",
            InstallStatus::Paused => "paused",
            InstallStatus::NeedsReauth => "needs_reauth",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Paused, Self::NeedsReauth].into_iter().find(|s| s.as_str() == text)
    }
}

// === impl RunState ===

impl RunState {
    pub const ALL: &[RunState] = &[
        RunState::Queued,
        RunState::Running,
        RunState::Retrying,
        RunState::Succeeded,
        RunState::Failed,
        RunState::Cancelled,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            RunState::Queued => "queued",
            RunState::Running => "running",
            RunState::Retrying => "retrying",
            RunState::Succeeded => "succeeded",
            RunState::Failed => "failed",
            RunState::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == text)
    }

    /// Nothing more will happen to the run.
    pub const fn is_final(self) -> bool {
        matches!(self, RunState::Succeeded | RunState::Failed | RunState::Cancelled)
    }
}
