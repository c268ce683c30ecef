//! Invitations: a place in an organisation that waits for the person with an e-mail address.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Classification, GroupId, InvitationId, Role, TenantId};

/// What has become of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// Its link works.
    Pending,
    /// Nobody came in time: it can be sent again.
    Expired,
    Accepted,
    Revoked,
}

/// A place in an organisation that waits for the person with an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub id: InvitationId,
    pub tenant: TenantId,
    /// Lower case. Only a person whose address this is can accept.
    pub email: String,
    pub role: Role,
    pub clearance: Classification,
    pub groups: Vec<GroupId>,
    /// Global id of the person or API key that invited.
    pub invited_by: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub accepted_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

// === impl Invitation ===

impl Invitation {
    pub fn state(&self, now: DateTime<Utc>) -> InvitationState {
        if self.accepted_at.is_some() {
            InvitationState::Accepted
        } else if self.revoked_at.is_some() {
            InvitationState::Revoked
        } else if self.expires_at <= now {
            InvitationState::Expired
        } else {
            InvitationState::Pending
        }
    }
}
