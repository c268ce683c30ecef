//! What an organisation's directory keeps here: groups, members as the directory describes them, and the tokens it shows (SCIM 2.0).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{GroupId, MembershipId, ScimTokenId, TenantId, UserId};

/// Who keeps a group up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupSource {
    /// People, here.
    Local,
    /// The organisation's directory, by SCIM.
    Scim,
    /// The groups that an identity provider names at sign-in.
    Sso,
}

/// Members who are given access together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub id: GroupId,
    pub tenant: TenantId,
    /// Unique in the organisation; upper and lower case are the same.
    pub name: String,
    /// The directory's own name of it.
    pub external_id: Option<String>,
    pub source: GroupSource,
    /// Counts every change, of its members too.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A token by which a directory provisions. Its text is shown once and never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimToken {
    pub id: ScimTokenId,
    pub tenant: TenantId,
    pub name: String,
    /// Its last characters, for display.
    pub last_four: String,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// What the directory says of a member.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectoryEntry {
    pub membership: MembershipId,
    /// Unique in the organisation; upper and lower case are the same.
    pub user_name: String,
    /// The directory's own name of the person.
    pub external_id: Option<String>,
    /// Attributes of the SCIM schemas, without those that follow from elsewhere (RFC 7643 section 4.1).
    pub document: Value,
    /// Counts every change by the directory; 0 for a member whom it has never written.
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

// === impl GroupSource ===

impl GroupSource {
    const ALL: [Self; 3] = [Self::Local, Self::Scim, Self::Sso];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            GroupSource::Local => "local",
            GroupSource::Scim => "scim",
            GroupSource::Sso => "sso",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

// === impl ScimToken ===

impl ScimToken {
    /// Whether it still opens the door.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }
}
