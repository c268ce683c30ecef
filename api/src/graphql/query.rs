//! Root fields that read.

mod api_keys;
mod audit_events;
mod client_grants;
mod connectors;
mod endpoints;
mod groups;
mod identity;
mod installs;
mod invitations;
mod keys;
mod members;
mod node;
mod policies;
mod roles;
mod scim_tokens;
mod search;
mod viewer;
mod webhooks;

use async_graphql::MergedObject;

/// Everything that can be read.
#[derive(Default, MergedObject)]
pub(crate) struct Query(
    viewer::ViewerQuery,
    node::NodeQuery,
    connectors::ConnectorsQuery,
    installs::InstallsQuery,
    identity::IdentityQuery,
    search::SearchQuery,
    endpoints::EndpointsQuery,
    members::MembersQuery,
    invitations::InvitationsQuery,
    roles::RolesQuery,
    groups::GroupsQuery,
    scim_tokens::ScimTokensQuery,
    api_keys::ApiKeysQuery,
    client_grants::ClientGrantsQuery,
    audit_events::AuditEventsQuery,
    keys::KeysQuery,
    policies::PoliciesQuery,
    webhooks::WebhooksQuery,
);

/// Turns "not there" into null: the answer is the same for what belongs to somebody else and for what never was.
pub(crate) fn found<T>(result: Result<T, control::Error>) -> Result<Option<T>, control::Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(control::Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
