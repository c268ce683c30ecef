//! The built-in roles and what each holds. An organisation's own roles add to these.

use serde::{Deserialize, Serialize};

use super::{Classification, PermissionName, PermissionSet};

/// A person's or service account's place in an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees what the organisation has.
    Viewer,
    /// Uses it: searches, and calls tools.
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

use PermissionName as P;

const VIEWER: PermissionSet = PermissionSet::of(&[
    P::TenantRead,
    P::MemberRead,
    P::ConnectorRead,
    P::InstallRead,
    P::EndpointRead,
]);
const MEMBER: PermissionSet =
    VIEWER.union(PermissionSet::of(&[P::RecordRead, P::ApiKeyRead, P::McpUse]));
const AUDITOR: PermissionSet = VIEWER.union(PermissionSet::of(&[
    P::IdentityRead,
    P::ApiKeyRead,
    P::PolicyRead,
    P::AuditRead,
    P::WebhookRead,
    P::UsageRead,
]));
const CONNECTOR_MANAGER: PermissionSet =
    MEMBER.union(PermissionSet::of(&[P::InstallWrite, P::CredentialWrite, P::SyncRun]));
const ADMIN: PermissionSet = CONNECTOR_MANAGER.union(AUDITOR).union(PermissionSet::of(&[
    P::MemberWrite,
    P::IdentityWrite,
    P::EndpointWrite,
    P::ApiKeyWrite,
    P::PolicyWrite,
    P::ApprovalDecide,
    P::WebhookWrite,
    P::KeyRotate,
]));
const OWNER: PermissionSet = PermissionSet::all();

// === impl Role ===

impl Role {
    /// Every role, in the order in which they are shown.
    pub const ALL: &[Role] = &[
        Role::Viewer,
        Role::Member,
        Role::Auditor,
        Role::ConnectorManager,
        Role::Admin,
        Role::Owner,
    ];

    /// What it holds.
    pub const fn permissions(self) -> PermissionSet {
        match self {
            Role::Viewer => VIEWER,
            Role::Member => MEMBER,
            Role::Auditor => AUDITOR,
            Role::ConnectorManager => CONNECTOR_MANAGER,
            Role::Admin => ADMIN,
            Role::Owner => OWNER,
        }
    }

    /// The stored and shown word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Member => "member",
            Role::Auditor => "auditor",
            Role::ConnectorManager => "connector_manager",
            Role::Admin => "admin",
            Role::Owner => "owner",
        }
    }

    /// The clearance of somebody who is given this role and nothing else is said.
    pub const fn usual_clearance(self) -> Classification {
        match self {
            Role::Admin | Role::Owner => Classification::Restricted,
            Role::Viewer | Role::Member | Role::Auditor | Role::ConnectorManager => {
                Classification::Internal
            }
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table at one glance; a change of permissions is a diff of `authz-matrix.txt`.
    #[test]
    fn role_permission_matrix_is_the_golden_one() {
        let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        let mut printed = format!("{:<17} {} custom_role system\n", "permission", roles.join(" "));
        for name in PermissionName::ALL {
            let cell = |role: &Role| {
                let word = if role.permissions().contains(*name) { "yes" } else { "-" };
                format!("{word:<width$}", width = role.as_str().len())
            };
            let cells: Vec<String> = Role::ALL.iter().map(cell).collect();
            let custom = if PermissionSet::custom().contains(*name) { "yes" } else { "-" };
            let row = format!("{:<17} {} {custom:<11} yes", name.as_str(), cells.join(" "));
            printed = format!("{printed}{row}\n");
        }
        let golden = include_str!("../../authz-matrix.txt");
        assert_eq!(
            printed, golden,
            "the permission table changed: if that is meant, review and commit crates/domain/authz-matrix.txt:\n{printed}"
        );
    }

    #[test]
    fn auditor_changes_nothing() {
        for name in Role::Auditor.permissions().iter() {
            assert_eq!(name.as_str().rsplit_once('.').map(|(_, verb)| verb), Some("read"));
        }
    }
}
