//! People and their place in the organisation.

use async_graphql::{Enum, ID, Object};
use chrono::{DateTime, Utc};

use super::policy::Classification;

/// A person's place in an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Role")]
pub(crate) enum Role {
    /// Sees what the organisation has.
    Viewer,
    /// Uses it: searches and reads what was synced.
    Member,
    /// Sees everything that was done and decided, changes nothing.
    Auditor,
    /// Uses it, and runs connectors: installs, credentials, syncs.
    ConnectorManager,
    /// Runs it: connectors, keys, members, policies.
    Admin,
    /// Owns it.
    Owner,
}

/// Whether a member may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum MemberStatus {
    Active,
    /// An admin has shut the member out.
    Suspended,
    /// The organisation's directory has switched the member off.
    Deactivated,
}

pub(crate) struct User(pub(crate) domain::User);

pub(crate) struct Member {
    pub(crate) membership: domain::Membership,
    pub(crate) user: domain::User,
}

// === impl Member ===

impl Member {
    pub(crate) fn of((membership, user): (domain::Membership, domain::User)) -> Self {
        Self { membership, user }
    }
}

/// A person.
#[Object]
impl User {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    async fn email(&self) -> &str {
        &self.0.email
    }

    async fn display_name(&self) -> &str {
        &self.0.display_name
    }
}

/// A person's place in the organisation.
#[Object]
impl Member {
    pub(crate) async fn id(&self) -> ID {
        ID(self.membership.id.to_string())
    }

    async fn user(&self) -> User {
        User(self.user.clone())
    }

    async fn role(&self) -> Role {
        self.membership.role.into()
    }

    /// The highest classification that the member reaches.
    async fn clearance(&self) -> Classification {
        self.membership.clearance.into()
    }

    async fn status(&self) -> MemberStatus {
        if self.membership.deactivated_at.is_some() {
            MemberStatus::Deactivated
        } else if self.membership.suspended_at.is_some() {
            MemberStatus::Suspended
        } else {
            MemberStatus::Active
        }
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.membership.created_at
    }
}
