//! Everything that has a global id of its own.

use async_graphql::{ID, Interface};

use super::{
    api_key::ApiKey, approval::Approval, audit_event::AuditEvent, connector::Connector,
    endpoint::Endpoint, install::Install, key::KeyRotation, member::User, policy::PolicySet,
    record::Record, sync_run::SyncRun, tenant::Tenant,
};

/// Something that can be fetched by its id alone.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Global id: the kind, a colon, the rest."))]
pub(crate) enum Node {
    Tenant(Tenant),
    User(User),
    Connector(Connector),
    Install(Install),
    SyncRun(SyncRun),
    Record(Record),
    Endpoint(Endpoint),
    ApiKey(ApiKey),
    Group(super::group::Group),
    Member(super::member::Member),
    CustomRole(super::role::CustomRole),
    Invitation(super::invitation::Invitation),
    AuditEvent(AuditEvent),
    KeyRotation(KeyRotation),
    PolicySet(PolicySet),
    Approval(Approval),
    Webhook(super::webhook::Webhook),
    WebhookDelivery(super::webhook::WebhookDelivery),
}
