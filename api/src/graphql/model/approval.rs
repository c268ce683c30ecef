//! Calls that wait for a person.

use async_graphql::{Enum, ID, Object};
use chrono::{DateTime, Utc};

/// Where a call that needs a person stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::ApprovalState")]
pub(crate) enum ApprovalState {
    /// Nobody has decided.
    Pending,
    /// May be made once, until it expires.
    Approved,
    /// May not be made.
    Refused,
    /// Was made.
    Used,
}

pub(crate) struct Approval(pub(crate) domain::Approval);

/// A person's decision about one call: by one caller, of one tool, with exactly these arguments, once.
#[Object]
impl Approval {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// Global id of who wants to call.
    async fn principal(&self) -> &str {
        &self.0.principal
    }

    async fn install_id(&self) -> ID {
        ID(self.0.install.to_string())
    }

    /// Without the install's prefix.
    async fn tool(&self) -> &str {
        &self.0.tool
    }

    /// The arguments as JSON text; null once they are not needed any more.
    async fn arguments(&self) -> Option<&str> {
        self.0.arguments.as_deref()
    }

    /// SHA-256 of the arguments in canonical form.
    async fn arguments_sha256(&self) -> &str {
        &self.0.digest
    }

    /// Why a person is asked.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    async fn state(&self) -> ApprovalState {
        self.0.state.into()
    }

    async fn requested_at(&self) -> DateTime<Utc> {
        self.0.requested_at
    }

    /// Until when it can be decided, or the decision holds.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    /// Global id of who decided.
    async fn decided_by(&self) -> Option<&str> {
        self.0.decided_by.as_deref()
    }

    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.0.decided_at
    }

    async fn used_at(&self) -> Option<DateTime<Utc>> {
        self.0.used_at
    }
}
