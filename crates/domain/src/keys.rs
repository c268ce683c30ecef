//! The keys under which an organisation's secrets are sealed, as far as anybody may know of them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{KeyRotationId, TenantId};

/// Where a version of a data key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataKeyState {
    /// Seals what is written.
    Current,
    /// Opens what it has sealed, until a rotation has sealed that anew.
    Retiring,
    /// Destroyed: nothing is sealed under it any more.
    Retired,
}

/// A version of an organisation's data key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataKeyVersion {
    pub tenant: TenantId,
    /// From 1.
    pub version: u32,
    pub state: DataKeyState,
    /// Which key wraps it: `local:<id>`, `aws_kms:<key>` or `transit:<mount>/<key>`.
    pub wrapped_by: String,
    pub created_at: DateTime<Utc>,
    pub retired_at: Option<DateTime<Utc>>,
}

/// Sealing everything anew under a new version of the data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRotation {
    pub id: KeyRotationId,
    pub tenant: TenantId,
    pub to_version: u32,
    /// Secrets that were sealed under an earlier version when it began.
    pub total: i64,
    /// Of these, how many are sealed under the new one.
    pub done: i64,
    pub started_at: DateTime<Utc>,
    /// `None` while it is under way.
    pub finished_at: Option<DateTime<Utc>>,
}

// === impl DataKeyState ===

impl DataKeyState {
    pub const fn as_str(self) -> &'static str {
        match self {
            DataKeyState::Current => "current",
            DataKeyState::Retiring => "retiring",
            DataKeyState::Retired => "retired",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Current, Self::Retiring, Self::Retired].into_iter().find(|it| it.as_str() == text)
    }
}

// === impl KeyRotation ===

impl KeyRotation {
    /// From 0 to 100; 100 only when it is finished.
    pub fn percent(&self) -> i64 {
        match self.finished_at {
            Some(_) => 100,
            None => (self.done * 100 / self.total.max(1)).clamp(0, 99),
        }
    }
}
