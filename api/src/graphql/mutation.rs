//! Root fields that change something. What was to be expected is data in the payload; only surprises are errors.

/// Payloads of mutations that give the same thing: each has a type of its own, as clients that follow Relay expect.
macro_rules! payloads {
    ($field:ident: $node:ty, [$($name:ident),+]) => {$(
        #[derive(async_graphql::SimpleObject)]
        pub(crate) struct $name {
            $field: Option<$node>,
            user_errors: Vec<UserError>,
        }

        impl From<Result<$node, Vec<UserError>>> for $name {
            fn from(outcome: Result<$node, Vec<UserError>>) -> Self {
                match outcome {
                    Ok($field) => Self { $field: Some($field), user_errors: Vec::new() },
                    Err(user_errors) => Self { $field: None, user_errors },
                }
            }
        }
    )+};
}

mod api_keys;
mod audit;
mod client_grants;
mod groups;
mod identity;
mod installs;
mod invitations;
mod keys;
mod members;
mod policies;
mod roles;
mod scim_tokens;
mod session;
mod syncs;
mod webhooks;

use async_graphql::MergedObject;

use super::model::user_error::UserError;
use crate::error::user_error;

/// Everything that can be changed.
#[derive(Default, MergedObject)]
pub(crate) struct Mutation(
    installs::InstallsMutation,
    syncs::SyncsMutation,
    api_keys::ApiKeysMutation,
    client_grants::ClientGrantsMutation,
    members::MembersMutation,
    invitations::InvitationsMutation,
    roles::RolesMutation,
    groups::GroupsMutation,
    scim_tokens::ScimTokensMutation,
    policies::PoliciesMutation,
    audit::AuditMutation,
    keys::KeysMutation,
    session::SessionMutation,
    identity::IdentityMutation,
    webhooks::WebhooksMutation,
);

/// Parts what was to be expected, which goes into the payload, from surprises, which stay errors.
pub(crate) fn expected<T>(
    result: Result<T, control::Error>,
) -> Result<Result<T, Vec<UserError>>, control::Error> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => user_error(error).map(|expected| Err(vec![expected])),
    }
}
