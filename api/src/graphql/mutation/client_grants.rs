//! `revokeClientGrant`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::expected;
use crate::graphql::{
    caller::Caller,
    model::{client_grant::ClientGrant, user_error::UserError},
    scalar::typed,
};

#[derive(Default)]
pub(crate) struct ClientGrantsMutation;

#[derive(InputObject)]
pub(crate) struct RevokeClientGrantInput {
    id: ID,
}

#[derive(SimpleObject)]
pub(crate) struct RevokeClientGrantPayload {
    client_grant: Option<ClientGrant>,
    user_errors: Vec<UserError>,
}

#[Object]
impl ClientGrantsMutation {
    /// Takes access back from an AI client: one's own grants, or anybody's for whoever may revoke API keys. The client is refused
    /// within two seconds.
    async fn revoke_client_grant(
        &self,
        ctx: &Context<'_>,
        input: RevokeClientGrantInput,
    ) -> Result<RevokeClientGrantPayload> {
        let caller = Caller::of(ctx);
        let revoked = async {
            let id = typed(&input.id, "id")?;
            caller.control.revoke_client_grant(&caller.ctx, id).await
        };
        Ok(match expected(revoked.await)? {
            Ok(grant) => RevokeClientGrantPayload {
                client_grant: Some(ClientGrant(grant)),
                user_errors: Vec::new(),
            },
            Err(user_errors) => RevokeClientGrantPayload { client_grant: None, user_errors },
        })
    }
}
