//! Provisioning by an organisation's own directory: SCIM 2.0 (RFC 7643, RFC 7644). A SCIM user is a member; a SCIM group is a group.

mod document;
mod end;
mod filter;
mod groups;
mod listing;
mod patch;
mod roles;
mod schema;
#[cfg(test)]
mod tests;
mod tokens;
mod users;

use domain::{Granted, ScimTokenId, SystemReason, TenantId, authz::Permission};
use serde_json::Value;
use store::Tx;

pub use listing::{ListQuery, Listing, Selection};
pub use schema::{ENTERPRISE, GROUP, GROUPS, Schema, USER, USERS};
pub use tokens::CreatedScimToken;

use crate::{
    Control, Error,
    access::audit_grant,
    audit::{Action, Deed},
};

/// A directory that has shown a token of its organisation. Made by [`Control::by_scim_token`] only.
#[derive(Debug, Clone)]
pub struct Provisioner {
    tenant: TenantId,
    token: ScimTokenId,
    request_id: String,
    /// Address of the organisation's SCIM door, without a slash at its end.
    base: String,
}

/// A resource as it is answered.
#[derive(Debug, Clone)]
pub struct Resource {
    /// With id, schemas and meta.
    pub json: Value,
    /// For `ETag` and `If-Match`.
    pub version: i64,
}

/// What is wrong with a request, in the words of RFC 7644 section 3.12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimType {
    InvalidFilter,
    TooMany,
    InvalidSyntax,
    InvalidPath,
    NoTarget,
    InvalidValue,
    Mutability,
}

/// Why a directory's request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ScimError {
    /// The request is not right.
    #[error("{detail}")]
    Bad { kind: ScimType, detail: String },
    /// A unique value is taken.
    #[error("{detail}")]
    Uniqueness { detail: String },
    /// There is nothing by that id, or it belongs to another organisation.
    #[error("there is nothing by that id")]
    NotFound,
    /// It is no longer the version that the client named.
    #[error("the resource has changed since that version")]
    Stale,
    /// It would leave the organisation without an owner.
    #[error(
        "this is the organisation's last active owner: make somebody else an owner in Patchbay first"
    )]
    LastOwner,
    /// No token, or one that does not open this organisation.
    #[error("show a valid token of this organisation")]
    Unauthenticated,
    /// A fault inside.
    #[error(transparent)]
    Failed(Error),
}

// === impl ScimType ===

impl ScimType {
    /// The word in the answer.
    pub const fn as_str(self) -> &'static str {
        match self {
            ScimType::InvalidFilter => "invalidFilter",
            ScimType::TooMany => "tooMany",
            ScimType::InvalidSyntax => "invalidSyntax",
            ScimType::InvalidPath => "invalidPath",
            ScimType::NoTarget => "noTarget",
            ScimType::InvalidValue => "invalidValue",
            ScimType::Mutability => "mutability",
        }
    }
}

// === impl ScimError ===

impl ScimError {
    pub(crate) fn bad(kind: ScimType, detail: impl Into<String>) -> Self {
        Self::Bad { kind, detail: detail.into() }
    }
}

impl From<store::Error> for ScimError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::NotFound,
            store::Error::Stale => Self::Stale,
            store::Error::Conflict { field } => {
                Self::Uniqueness { detail: format!("this {field} is taken") }
            }
            other => Self::Failed(other.into()),
        }
    }
}

impl From<Error> for ScimError {
    fn from(error: Error) -> Self {
        match error {
            Error::Unauthenticated => Self::Unauthenticated,
            Error::NotFound => Self::NotFound,
            other => Self::Failed(other),
        }
    }
}

// === impl Provisioner ===

impl Provisioner {
    pub(crate) fn granted<P: Permission>(&self) -> Granted<P> {
        Granted::system(SystemReason::Provision, self.tenant, &self.request_id)
    }

    /// Address of the organisation's SCIM door.
    pub fn base(&self) -> &str {
        &self.base
    }
}

impl Control {
    async fn audit_provisioning(
        &self,
        tx: &Tx,
        who: &Provisioner,
        action: Action,
        target: &(impl ToString + Sync),
        mut detail: Value,
    ) -> Result<(), ScimError> {
        detail["token"] = Value::String(who.token.to_string());
        let actor = domain::Principal::System(SystemReason::Provision);
        let entry = self.audit_by(&actor, &who.request_id, &Deed::on(action, target)).succeeded();
        let entry = store::NewAudit { detail, ..entry };
        tx.audit().append(&audit_grant(who.tenant, &who.request_id), entry).await?;
        Ok(())
    }
}
