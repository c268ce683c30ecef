//! Who acts, and the proof that they may: [`OpCtx`] is made only by `control/login.rs`, [`Granted`] only by [`OpCtx::require`].
//!
//! A repository takes `&Granted<P>`: its signature is the permission table, and the tenant of every query comes from the grant.

mod access;
mod permissions;
mod role;

use std::{
    fmt,
    marker::PhantomData,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

pub use access::{Access, Classification};
pub use permissions::{Permission, PermissionName, PermissionSet, UnknownPermission, permission};
pub use role::Role;

use crate::{ApiKeyId, CredentialId, InstallId, SessionId, TenantId, UserId};

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
    /// The audit log is signed, verified and cut by its own rules.
    KeepAudit,
    /// A credential that somebody may give is sealed under the organisation's data key.
    SealCredential,
    /// A permitted tool call, proxy call or connection check opens the credential of its install.
    UseCredential,
    /// The scheduler starts a sync that is due.
    ScheduleSync,
    /// An organisation's directory that has shown its token keeps members and groups up to date.
    Provision,
    /// A person joins by an invitation, or leaves: their own membership, for which nobody needs a permission.
    OwnMembership,
    /// The operator or a job turns an organisation's keys over.
    RotateKeys,
    /// What an organisation wants to be told of is told to the addresses that it named.
    DeliverEvents,
    /// An AI client registers, or exchanges what a person has granted it.
    AuthorizeClient,
}

/// How the caller came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CtxKind {
    Session,
    ApiKey,
    /// An AI client to which a person has granted access.
    AccessToken,
    Job,
}

/// The authenticated caller of one operation.
#[derive(Debug, Clone)]
pub struct OpCtx {
    principal: Principal,
    tenant: TenantId,
    access: Access,
    kind: CtxKind,
    session: Option<SessionId>,
    request_id: String,
    origin: Origin,
    opened: OpenedCredentials,
}

/// The credentials that were opened for one request, as far as it has come. Clones are the same list.
#[derive(Debug, Clone, Default)]
pub struct OpenedCredentials(Arc<Mutex<Vec<CredentialId>>>);

/// From where a request came, as far as its door can tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// What the client calls itself: a claim. Empty when it does not say.
    pub client: String,
    pub network: Option<IpAddr>,
}

/// What an authentication established. Only `control/login.rs` may turn it into an [`OpCtx`]; clippy bans the call elsewhere.
#[derive(Debug, Clone)]
pub struct Identity {
    pub principal: Principal,
    pub tenant: TenantId,
    pub access: Access,
    pub kind: CtxKind,
    pub session: Option<SessionId>,
    pub request_id: String,
}

/// Proof that somebody may do `P` in one tenant. Its fields are private: it cannot be forged outside this file.
pub struct Granted<P: Permission> {
    tenant: TenantId,
    principal: Principal,
    request_id: String,
    permission: PhantomData<fn() -> P>,
}

/// The caller does not hold the permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "you may not do this: it needs the permission `{permission}`, which your role ({}) does not hold", role.as_str()
)]
pub struct Denied {
    pub role: Role,
    pub permission: PermissionName,
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
            SystemReason::KeepAudit => "keep_audit",
            SystemReason::SealCredential => "seal_credential",
            SystemReason::UseCredential => "use_credential",
            SystemReason::ScheduleSync => "schedule_sync",
            SystemReason::Provision => "provision",
            SystemReason::OwnMembership => "own_membership",
            SystemReason::RotateKeys => "rotate_keys",
            SystemReason::DeliverEvents => "deliver_events",
            SystemReason::AuthorizeClient => "authorize_client",
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
            access: identity.access,
            kind: identity.kind,
            session: identity.session,
            request_id: identity.request_id,
            origin: Origin::default(),
            opened: OpenedCredentials::default(),
        }
    }

    /// The same caller, with what the door knows of where the request came from.
    #[must_use]
    pub fn from_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// The credentials that were opened for this request.
    pub const fn opened(&self) -> &OpenedCredentials {
        &self.opened
    }

    /// From where the request came.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Asks for a permission. `P` is inferred from the repository that takes the grant.
    ///
    /// # Errors
    /// [`Denied`] when the caller does not hold it.
    pub fn require<P: Permission>(&self) -> Result<Granted<P>, Denied> {
        if self.access.permissions.contains(P::NAME) {
            Ok(Granted {
                tenant: self.tenant,
                principal: self.principal.clone(),
                request_id: self.request_id.clone(),
                permission: PhantomData,
            })
        } else {
            Err(self.denied::<P>())
        }
    }

    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// What the caller may do and reach.
    pub const fn access(&self) -> &Access {
        &self.access
    }

    /// The refusal of `P`.
    pub const fn denied<P: Permission>(&self) -> Denied {
        Denied { role: self.access.role, permission: P::NAME }
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
        self.access.installs.as_deref()
    }

    /// Whether the caller may reach this install at all (API keys can be limited to some).
    pub fn reaches(&self, install: InstallId) -> bool {
        self.access.reaches(install)
    }
}

// === impl OpenedCredentials ===

impl OpenedCredentials {
    /// Notes one. Each is noted once.
    pub fn note(&self, id: CredentialId) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !ids.contains(&id) {
            ids.push(id);
        }
    }

    /// In the order in which they were opened.
    pub fn list(&self) -> Vec<CredentialId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
