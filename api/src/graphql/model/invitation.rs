//! Places in the organisation that wait for somebody.

use async_graphql::{Enum, ID, Object};
use chrono::{DateTime, Utc};

use super::{member::Role, policy::Classification};
use crate::graphql::caller::Caller;

/// What has become of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::InvitationState")]
pub(crate) enum InvitationState {
    /// Its link works.
    Pending,
    /// Nobody came in time: it can be sent again.
    Expired,
    Accepted,
    Revoked,
}

pub(crate) struct Invitation {
    invitation: domain::Invitation,
    state: domain::InvitationState,
}

// === impl Invitation ===

impl Invitation {
    pub(crate) fn of(caller: &Caller, invitation: domain::Invitation) -> Self {
        let state = invitation.state(caller.control.now());
        Self { invitation, state }
    }
}

/// A place that waits for the person with an e-mail address.
#[Object]
impl Invitation {
    pub(crate) async fn id(&self) -> ID {
        ID(self.invitation.id.to_string())
    }

    /// Only the person whose address this is can accept.
    async fn email(&self) -> &str {
        &self.invitation.email
    }

    async fn role(&self) -> Role {
        self.invitation.role.into()
    }

    async fn clearance(&self) -> Classification {
        self.invitation.clearance.into()
    }

    /// Groups that the person joins.
    async fn group_ids(&self) -> Vec<ID> {
        self.invitation.groups.iter().map(|id| ID(id.to_string())).collect()
    }

    async fn state(&self) -> InvitationState {
        self.state.into()
    }

    /// Global id of the person or API key that invited.
    async fn invited_by(&self) -> ID {
        ID(self.invitation.invited_by.clone())
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.invitation.created_at
    }

    async fn expires_at(&self) -> DateTime<Utc> {
        self.invitation.expires_at
    }

    async fn accepted_at(&self) -> Option<DateTime<Utc>> {
        self.invitation.accepted_at
    }

    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.invitation.revoked_at
    }
}
