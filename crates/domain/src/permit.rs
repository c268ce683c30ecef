//! Policies over tools and records as they are kept, and calls that wait for a person.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ApprovalId, InstallId, PolicySetId, TenantId};

/// A version of an organisation's policies. Every change makes a new one; none is ever changed.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicySet {
    pub id: PolicySetId,
    pub tenant: TenantId,
    /// From 1. Version 0 is what every organisation begins with and is not stored.
    pub version: i64,
    /// The policies, in the form of `policy::Source`.
    pub sources: Value,
    /// [`crate::Principal`] in its text form.
    pub author: String,
    /// What was done, for people.
    pub note: String,
    pub created_at: DateTime<Utc>,
}

/// Where a call that needs a person stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// Nobody has decided.
    Pending,
    /// May be made once, until it expires.
    Approved,
    /// May not be made, until it expires.
    Refused,
    /// Was made.
    Used,
}

/// A person's decision about one call: by one caller, of one tool, with exactly these arguments, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub id: ApprovalId,
    pub tenant: TenantId,
    /// Who wants to call: [`crate::Principal`] in its text form.
    pub principal: String,
    pub install: InstallId,
    /// Without the install's prefix.
    pub tool: String,
    /// What is to be approved, as the caller sent it. Forgotten when the call is made, refused or too late.
    pub arguments: Option<String>,
    /// SHA-256 of the arguments in canonical form, in hex.
    pub digest: String,
    /// What the policies say to whoever decides.
    pub reason: String,
    pub state: ApprovalState,
    pub requested_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// [`crate::Principal`] in its text form.
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
    pub used_at: Option<DateTime<Utc>>,
}

// === impl ApprovalState ===

impl ApprovalState {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            ApprovalState::Pending => "pending",
            ApprovalState::Approved => "approved",
            ApprovalState::Refused => "refused",
            ApprovalState::Used => "used",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Approved, Self::Refused, Self::Used]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}
