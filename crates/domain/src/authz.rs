//! Who acts, and the proof that they may: [`OpCtx`] is made only by `control/login.rs`, [`Granted`] only by [`OpCtx::require`].
//!
//! A repository takes `&Granted<P>`: its signature is the permission table, and the tenant of every query comes from the grant.

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Serialize};

use crate::{ApiKeyId, InstallId, SessionId, TenantId, UserId};

/// A person's place in an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees what the organisation has.
    Viewer,
    /// Uses it: searches, and makes keys for themself.
    Member,
    /// Runs it: connectors, credentials, keys, members.
    Admin,
    /// Owns it.
    Owner,
}

/// What a grant is for. One name per permission; `permission::ALL` is the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionName {
    TenantRead,
    TenantWrite,
    MemberRead,
    MemberWrite,
    ConnectorRead,
    InstallRead,
    InstallWrite,
    CredentialWrite,
    CredentialOpen,
    SyncRun,
    RecordRead,
    RecordWrite,
    EndpointRead,
    EndpointWrite,
    ApiKeyRead,
    ApiKeyWrite,
    AuditRead,
    AuditWrite,
    McpUse,
}

/// A permission as a type, so that a signature can ask for it.
pub trait Permission: 'static {
    /// Its name in the matrix.
    const NAME: PermissionName;
}

/// Permission types and the table of which role holds them.
pub mod permission {
    use super::{Permission, PermissionName, Role};

    /// Every permission, in the order of the golden matrix.
    pub const ALL: &[PermissionName] = &[
        PermissionName::TenantRead,
        PermissionName::TenantWrite,
        PermissionName::MemberRead,
        PermissionName::MemberWrite,
        PermissionName::ConnectorRead,
        PermissionName::InstallRead,
        PermissionName::InstallWrite,
        PermissionName::CredentialWrite,
        PermissionName::CredentialOpen,
        PermissionName::SyncRun,
        PermissionName::RecordRead,
        PermissionName::RecordWrite,
        PermissionName::EndpointRead,
        PermissionName::EndpointWrite,
        PermissionName::ApiKeyRead,
        PermissionName::ApiKeyWrite,
        PermissionName::AuditRead,
        PermissionName::AuditWrite,
        PermissionName::McpUse,
    ];

    /// The lowest role that holds a permission; `None` for what only the system does.
    pub const fn lowest_role(name: PermissionName) -> Option<Role> {
        match name {
            PermissionName::TenantRead
            | PermissionName::MemberRead
            | PermissionName::ConnectorRead
            | PermissionName::InstallRead
            | PermissionName::EndpointRead => Some(Role::Viewer),
            PermissionName::RecordRead | PermissionName::ApiKeyRead | PermissionName::McpUse => {
                Some(Role::Member)
            }
            PermissionName::InstallWrite
            | PermissionName::CredentialWrite
            | PermissionName::SyncRun
            | PermissionName::EndpointWrite
            | PermissionName::ApiKeyWrite
            | PermissionName::AuditRead
            | PermissionName::MemberWrite => Some(Role::Admin),
            PermissionName::TenantWrite => Some(Role::Owner),
            PermissionName::CredentialOpen
            | PermissionName::RecordWrite
            | PermissionName::AuditWrite => None,
        }
    }

    /// May see the organisation itself.
    pub enum TenantRead {}
    /// May change or delete the organisation.
    pub enum TenantWrite {}
    /// May see who belongs to it.
    pub enum MemberRead {}
    /// May invite, change and remove members.
    pub enum MemberWrite {}
    /// May see the marketplace.
    pub enum ConnectorRead {}
    /// May see installs and their runs.
    pub enum InstallRead {}
    /// May install, configure and remove connectors.
    pub enum InstallWrite {}
    /// May give a credential (never read one back).
    pub enum CredentialWrite {}
    /// May open a sealed credential: the system at call and sync time.
    pub enum CredentialOpen {}
    /// May start and cancel syncs.
    pub enum SyncRun {}
    /// May search and read synced records.
    pub enum RecordRead {}
    /// May write records: the system while syncing.
    pub enum RecordWrite {}
    /// May see endpoints.
    pub enum EndpointRead {}
    /// May change endpoints.
    pub enum EndpointWrite {}
    /// May see API keys (never their text).
    pub enum ApiKeyRead {}
    /// May create and revoke API keys.
    pub enum ApiKeyWrite {}
    /// May read the audit log.
    pub enum AuditRead {}
    /// May append to the audit log: the system.
    pub enum AuditWrite {}
    /// May use the MCP endpoint.
    pub enum McpUse {}

    impl Permission for TenantRead {
        const NAME: PermissionName = PermissionName::TenantRead;
    }
    impl Permission for TenantWrite {
        const NAME: PermissionName = PermissionName::TenantWrite;
    }
    impl Permission for MemberRead {
        const NAME: PermissionName = PermissionName::MemberRead;
    }
    impl Permission for MemberWrite {
        const NAME: PermissionName = PermissionName::MemberWrite;
    }
    impl Permission for ConnectorRead {
        const NAME: PermissionName = PermissionName::ConnectorRead;
    }
    impl Permission for InstallRead {
        const NAME: PermissionName = PermissionName::InstallRead;
    }
    impl Permission for InstallWrite {
        const NAME: PermissionName = PermissionName::InstallWrite;
    }
    impl Permission for CredentialWrite {
        const NAME: PermissionName = PermissionName::CredentialWrite;
    }
    impl Permission for CredentialOpen {
        const NAME: PermissionName = PermissionName::CredentialOpen;
    }
    impl Permission for SyncRun {
        const NAME: PermissionName = PermissionName::SyncRun;
    }
    impl Permission for RecordRead {
        const NAME: PermissionName = PermissionName::RecordRead;
    }
    impl Permission for RecordWrite {
        const NAME: PermissionName = PermissionName::RecordWrite;
    }
    impl Permission for EndpointRead {
        const NAME: PermissionName = PermissionName::EndpointRead;
    }
    impl Permission for EndpointWrite {
        const NAME: PermissionName = PermissionName::EndpointWrite;
    }
    impl Permission for ApiKeyRead {
        const NAME: PermissionName = PermissionName::ApiKeyRead;
    }
    impl Permission for ApiKeyWrite {
        const NAME: PermissionName = PermissionName::ApiKeyWrite;
    }
    impl Permission for AuditRead {
        const NAME: PermissionName = PermissionName::AuditRead;
    }
    impl Permission for AuditWrite {
        const NAME: PermissionName = PermissionName::AuditWrite;
    }
    impl Permission for McpUse {
        const NAME: PermissionName = PermissionName::McpUse;
    }
}

/// Who is behind a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Principal {
    /// A person in the console.
    User(UserId),
    /// An AI client or a script.
    ApiKey(ApiKeyId),
    /// Patchbay itself, for a stated reason.
    System(SystemReason),
}

/// Why the system acts without a person. Every use is counted by a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemReason {
    /// A worker carries out a job that somebody allowed earlier.
    RunJob,
    /// First start sets up the demo organisation.
    SetUp,
    /// Sign-in reads who somebody is before there is a session.
    SignIn,
    /// The gateway builds a tenant's routes and checks a key.
    BuildRoutes,
    /// The audit log is appended to on behalf of a refused or finished request.
    RecordAudit,
    /// A credential that somebody may give is sealed under the organisation's data key.
    SealCredential,
    /// A permitted tool call, proxy call or connection check opens the credential of its install.
    UseCredential,
    /// The scheduler starts a sync that is due.
    ScheduleSync,
}

/// How the caller came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CtxKind {
    Session,
    ApiKey,
    Job,
}

/// The authenticated caller of one operation.
#[derive(Debug, Clone)]
pub struct OpCtx {
    principal: Principal,
    tenant: TenantId,
    role: Role,
    kind: CtxKind,
    session: Option<SessionId>,
    /// `Some` limits the caller to these installs (API keys).
    installs: Option<Vec<InstallId>>,
    request_id: String,
}

/// What an authentication established. Only `control/login.rs` may turn it into an [`OpCtx`]; clippy bans the call elsewhere.
#[derive(Debug, Clone)]
pub struct Identity {
    pub principal: Principal,
    pub tenant: TenantId,
    pub role: Role,
    pub kind: CtxKind,
    pub session: Option<SessionId>,
    pub installs: Option<Vec<InstallId>>,
    pub request_id: String,
}

/// Proof that somebody may do `P` in one tenant. Its fields are private: it cannot be forged outside this file.
pub struct Granted<P: Permission> {
    tenant: TenantId,
    principal: Principal,
    request_id: String,
    permission: PhantomData<fn() -> P>,
}

/// The caller's role does not hold the permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("your role ({role:?}) may not do this: it needs {permission:?}")]
pub struct Denied {
    pub role: Role,
    pub permission: PermissionName,
}

// === impl Role ===

impl Role {
    /// Every role, weakest first.
    pub const ALL: &[Role] = &[Role::Viewer, Role::Member, Role::Admin, Role::Owner];

    /// Whether this role holds a permission.
    pub fn holds(self, permission: PermissionName) -> bool {
        permission::lowest_role(permission).is_some_and(|lowest| self >= lowest)
    }

    /// The stored and shown word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Member => "member",
            Role::Admin => "admin",
            Role::Owner => "owner",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.as_str() == text)
    }
}

// === impl Principal ===

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Principal::User(id) => write!(f, "{id}"),
            Principal::ApiKey(id) => write!(f, "{id}"),
            Principal::System(reason) => write!(f, "system:{}", reason.as_str()),
        }
    }
}

// === impl SystemReason ===

impl SystemReason {
    /// The word in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            SystemReason::RunJob => "run_job",
            SystemReason::SetUp => "set_up",
            SystemReason::SignIn => "sign_in",
            SystemReason::BuildRoutes => "build_routes",
            SystemReason::RecordAudit => "record_audit",
            SystemReason::SealCredential => "seal_credential",
            SystemReason::UseCredential => "use_credential",
            SystemReason::ScheduleSync => "schedule_sync",
        }
    }
}

// === impl OpCtx ===

impl OpCtx {
    /// Turns an established identity into a caller. Banned outside `control/login.rs`.
    pub fn from_identity(identity: Identity) -> Self {
        Self {
            principal: identity.principal,
            tenant: identity.tenant,
            role: identity.role,
            kind: identity.kind,
            session: identity.session,
            installs: identity.installs,
            request_id: identity.request_id,
        }
    }

    /// Asks for a permission. `P` is inferred from the repository that takes the grant.
    ///
    /// # Errors
    /// [`Denied`] when the role does not hold it.
    pub fn require<P: Permission>(&self) -> Result<Granted<P>, Denied> {
        if self.role.holds(P::NAME) {
            Ok(Granted {
                tenant: self.tenant,
                principal: self.principal.clone(),
                request_id: self.request_id.clone(),
                permission: PhantomData,
            })
        } else {
            Err(Denied { role: self.role, permission: P::NAME })
        }
    }

    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    pub const fn role(&self) -> Role {
        self.role
    }

    pub const fn kind(&self) -> CtxKind {
        self.kind
    }

    pub const fn session(&self) -> Option<SessionId> {
        self.session
    }

    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The only installs that the caller reaches; `None` is all of them.
    pub fn limited_to(&self) -> Option<&[InstallId]> {
        self.installs.as_deref()
    }

    /// Whether the caller may reach this install at all (API keys can be limited to some).
    pub fn reaches(&self, install: InstallId) -> bool {
        self.installs.as_ref().is_none_or(|some| some.contains(&install))
    }
}

// === impl Granted ===

impl<P: Permission> Granted<P> {
    /// A grant for the system's own work. Needs a [`SystemReason`]; uses are counted by a test.
    pub fn system(reason: SystemReason, tenant: TenantId, request_id: &str) -> Self {
        Self {
            tenant,
            principal: Principal::System(reason),
            request_id: request_id.to_owned(),
            permission: PhantomData,
        }
    }

    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    pub fn request_id(&self) -> &str {
        &self.request_id
    }
}

impl<P: Permission> fmt::Debug for Granted<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Granted<{:?}>({}, {})", P::NAME, self.tenant, self.principal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table at one glance; a change of permissions is a diff of `authz-matrix.txt`.
    #[test]
    fn role_permission_matrix_is_the_golden_one() {
        let mut lines = vec![format!("{:<18}viewer member admin  owner  system", "permission")];
        for name in permission::ALL {
            let cell = |role: &Role| if role.holds(*name) { "yes    " } else { "-      " };
            let cells: String = Role::ALL.iter().map(cell).collect();
            lines.push(format!("{:<18}{cells}yes", format!("{name:?}")));
        }
        let printed = lines.join("\n") + "\n";
        let golden = include_str!("../authz-matrix.txt");
        assert_eq!(
            printed, golden,
            "the permission table changed: if that is meant, review and commit crates/domain/authz-matrix.txt:\n{printed}"
        );
    }
}
