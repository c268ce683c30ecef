//! What a caller may do.

use async_graphql::Enum;

/// A permission. Roles are sets of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::authz::PermissionName")]
pub(crate) enum Permission {
    /// May see the organisation itself.
    TenantRead,
    /// May change the organisation.
    TenantWrite,
    /// May delete the organisation, or take everything out of it.
    TenantDelete,
    /// May see members, groups, roles and service accounts.
    MemberRead,
    /// May invite, change and remove members, groups, roles and service accounts.
    MemberWrite,
    /// May see how the organisation signs in: connections, domains, provisioning.
    IdentityRead,
    /// May change how the organisation signs in.
    IdentityWrite,
    /// May see the marketplace.
    ConnectorRead,
    /// May see installs and their runs.
    InstallRead,
    /// May install, configure and remove connectors.
    InstallWrite,
    /// May give a credential (never read one back).
    CredentialWrite,
    /// May open a sealed credential: the system at call and sync time.
    CredentialOpen,
    /// May start and cancel syncs.
    SyncRun,
    /// May search and read synced records.
    RecordRead,
    /// May write records: the system while syncing.
    RecordWrite,
    /// May see endpoints.
    EndpointRead,
    /// May change endpoints.
    EndpointWrite,
    /// May see API keys (never their text).
    ApiKeyRead,
    /// May create and revoke API keys.
    ApiKeyWrite,
    /// May see the policies over tools and records, and ask what they decide.
    PolicyRead,
    /// May change the policies over tools and records.
    PolicyWrite,
    /// May approve or refuse a call that a policy holds back.
    ApprovalDecide,
    /// May read and export the audit log.
    AuditRead,
    /// May append to the audit log: the system.
    AuditWrite,
    /// May see webhooks and their deliveries.
    WebhookRead,
    /// May change webhooks and replay deliveries.
    WebhookWrite,
    /// May see usage, plan and limits.
    UsageRead,
    /// May count usage and set plans: the system.
    UsageWrite,
    /// May rotate the organisation's keys.
    KeyRotate,
    /// May use the MCP endpoint.
    McpUse,
}
