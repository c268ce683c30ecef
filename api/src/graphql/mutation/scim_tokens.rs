//! `createScimToken` and `revokeScimToken`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use control::scim::CreatedScimToken;
use domain::secret::ExposeSecret;

use super::expected;
use crate::graphql::{
    caller::Caller,
    model::{scim_token::ScimToken, user_error::UserError},
    scalar::typed,
};

#[derive(Default)]
pub(crate) struct ScimTokensMutation;

#[derive(InputObject)]
pub(crate) struct CreateScimTokenInput {
    name: String,
    /// A token that this one takes the place of.
    replaces_id: Option<ID>,
    /// How long the replaced one still works, at most 720 hours; 0 ends it at once.
    #[graphql(default = 24)]
    overlap_hours: i32,
}

#[derive(SimpleObject)]
pub(crate) struct CreateScimTokenPayload {
    scim_token: Option<ScimToken>,
    /// The token's text: shown this once, never stored.
    secret: Option<String>,
    /// Address to give to the directory.
    url: Option<String>,
    user_errors: Vec<UserError>,
}

#[derive(InputObject)]
pub(crate) struct RevokeScimTokenInput {
    id: ID,
}

#[derive(SimpleObject)]
pub(crate) struct RevokeScimTokenPayload {
    scim_token: Option<ScimToken>,
    user_errors: Vec<UserError>,
}

#[Object]
impl ScimTokensMutation {
    /// Makes a token for the organisation's directory, or one in the place of another, so that both work for a while.
    async fn create_scim_token(
        &self,
        ctx: &Context<'_>,
        input: CreateScimTokenInput,
    ) -> Result<CreateScimTokenPayload> {
        let caller = Caller::of(ctx);
        Ok(match expected(create(caller, input).await)? {
            Ok(created) => {
                let tenant = caller.control.viewer(&caller.ctx).await?.tenant;
                CreateScimTokenPayload {
                    scim_token: Some(ScimToken(created.token)),
                    secret: Some(created.secret.expose_secret().to_owned()),
                    url: Some(format!("{}/scim/v2/{}", caller.public_url, tenant.slug)),
                    user_errors: Vec::new(),
                }
            }
            Err(user_errors) => {
                CreateScimTokenPayload { scim_token: None, secret: None, url: None, user_errors }
            }
        })
    }

    /// Ends a token at once.
    async fn revoke_scim_token(
        &self,
        ctx: &Context<'_>,
        input: RevokeScimTokenInput,
    ) -> Result<RevokeScimTokenPayload> {
        let caller = Caller::of(ctx);
        let revoked = async {
            let id = typed(&input.id, "id")?;
            caller.control.revoke_scim_token(&caller.ctx, id).await
        };
        Ok(match expected(revoked.await)? {
            Ok(token) => RevokeScimTokenPayload {
                scim_token: Some(ScimToken(token)),
                user_errors: Vec::new(),
            },
            Err(user_errors) => RevokeScimTokenPayload { scim_token: None, user_errors },
        })
    }
}

async fn create(
    caller: &Caller,
    input: CreateScimTokenInput,
) -> Result<CreatedScimToken, control::Error> {
    let replaces = input.replaces_id.as_ref().map(|id| typed(id, "replacesId")).transpose()?;
    let hours = u32::try_from(input.overlap_hours).unwrap_or(u32::MAX);
    let replaces = replaces.map(|id| (id, hours));
    caller.control.create_scim_token(&caller.ctx, &input.name, replaces).await
}
