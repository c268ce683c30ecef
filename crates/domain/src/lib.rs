//! The nouns of Patchbay and the proof that somebody may act on them.
//!
//! No I/O, no async, no database types: everything above this crate speaks these types, and the doors only wrap them.

pub mod audit;
pub mod authz;
pub mod event;
mod grant;
pub mod id;
pub mod identity;
pub mod invitation;
pub mod job;
pub mod key;
pub mod keys;
pub mod noun;
pub mod page;
pub mod permit;
pub mod provisioning;
pub mod roles;
pub mod route;
pub mod secret;
pub mod webhook;

pub use audit::{AuditEvent, AuditOutcome};
pub use authz::{
    Access, Classification, Denied, Granted, OpCtx, OpenedCredentials, Origin, PermissionSet,
    Principal, Role, SystemReason,
};
pub use grant::ClientGrant;
pub use id::InvitationId;
pub use id::KeyRotationId;
pub use id::ScimTokenId;
pub use id::{
    ApiKeyId, AuditId, CredentialId, EndpointId, GroupId, Id, IdError, InstallId, JobId,
    MembershipId, RecordId, RunId, SessionId, SignInLinkId, TenantId, UserId,
};
pub use id::{ApprovalId, PolicySetId};
pub use id::{ClientGrantId, OauthClientId};
pub use id::{CustomRoleId, RoleAssignmentId};
pub use id::{DomainId, IdentityId, SignInAttemptId, SsoConnectionId};
pub use id::{WebhookDeliveryId, WebhookId, WebhookSecretId};
pub use identity::{Domain, Identity, SsoConnection};
pub use invitation::{Invitation, InvitationState};
pub use keys::{DataKeyState, DataKeyVersion, KeyRotation};
pub use noun::{
    ApiKey, Credential, Endpoint, Install, InstallStatus, Membership, Record, RecordHit, RunState,
    Session, SyncRun, Tenant, User,
};
pub use page::{Page, PageArgs};
pub use permit::{Approval, ApprovalState, PolicySet};
pub use provisioning::{DirectoryEntry, Group, GroupSource, ScimToken};
pub use roles::{CustomRole, RoleAssignment, RoleHolder};
pub use secret::{SecretString, TokenHash};
pub use webhook::{DeliveryState, Webhook, WebhookAttempt, WebhookDelivery, WebhookSecret};
