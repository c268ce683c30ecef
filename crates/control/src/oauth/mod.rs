//! AI clients that sign in by OAuth: what they are told, whom they ask, what they get, and how it ends.
//!
//! The rules are in the crate `authserver`; here are the rows, the time and the random bytes.

mod authorize;
mod clients;
mod grants;
mod tokens;

use authserver::Issuer;
use domain::{
    Granted, PermissionSet, SystemReason, TenantId,
    authz::{PermissionName, permission::McpUse},
};

pub use authorize::Asked;
pub(crate) use clients::{Documents, Registrations, documents, registrations};
pub use tokens::Tokens;

use crate::{Control, Error};

/// What a client can be granted at most, whatever the person may do besides.
pub(crate) const MCP_PERMISSIONS: PermissionSet = PermissionSet::of(&[
    PermissionName::TenantRead,
    PermissionName::ConnectorRead,
    PermissionName::InstallRead,
    PermissionName::RecordRead,
    PermissionName::EndpointRead,
    PermissionName::McpUse,
]);

/// Why a client does not get what it asks for.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// For the client, in the terms of OAuth.
    #[error(transparent)]
    Client(#[from] authserver::Error),
    /// For whoever asked, in ours.
    #[error(transparent)]
    Other(#[from] Error),
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Other(error.into())
    }
}

// === impl Control ===

impl Control {
    /// The authorization server of an organisation, whether there is such an organisation or not.
    pub fn issuer(&self, slug: &str) -> Issuer {
        Issuer::new(&self.config().public_url, slug)
    }

    /// The public halves of the keys that sign access tokens (RFC 7517).
    pub fn signing_keys(&self) -> serde_json::Value {
        self.0.token_keys.document(self.now().timestamp())
    }
}

fn granted(tenant: TenantId, request_id: &str) -> Granted<McpUse> {
    Granted::system(SystemReason::AuthorizeClient, tenant, request_id)
}
