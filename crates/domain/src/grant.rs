//! Access that people give to AI clients (OAuth).

use chrono::{DateTime, Utc};

use crate::{ClientGrantId, TenantId, UserId};

/// What a person has granted to an AI client. Its tokens are good as long as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientGrant {
    pub id: ClientGrantId,
    pub tenant: TenantId,
    /// Who granted it, and for whom the client acts.
    pub user: UserId,
    /// A name of ours, or the address of the document about the client.
    pub client_id: String,
    /// As it called itself when it asked: a claim.
    pub client_name: String,
    /// Host or scheme to which the answer went.
    pub redirect: String,
    /// Words, separated by spaces.
    pub scope: String,
    pub created_at: DateTime<Utc>,
    /// When it last got a token.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Until when it can get tokens without asking the person again.
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
}

// === impl ClientGrant ===

impl ClientGrant {
    /// Whether its tokens are good.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}
