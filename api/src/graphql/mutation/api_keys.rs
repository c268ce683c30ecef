//! `createApiKey` and `revokeApiKey`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use control::{CreateApiKey, CreatedApiKey};
use domain::secret::ExposeSecret;

use super::expected;
use crate::graphql::{
    caller::Caller,
    model::{api_key::ApiKey, member::Role, user_error::UserError},
    scalar::{typed, typed_all},
};

#[derive(Default)]
pub(crate) struct ApiKeysMutation;

#[derive(InputObject)]
pub(crate) struct CreateApiKeyInput {
    name: String,
    #[graphql(default_with = "Role::Member")]
    role: Role,
    /// The only installs that it reaches; null reaches all.
    install_ids: Option<Vec<ID>>,
    /// Null never expires.
    expires_in_days: Option<i32>,
}

#[derive(SimpleObject)]
pub(crate) struct CreateApiKeyPayload {
    api_key: Option<ApiKey>,
    /// The key's text: shown this once, never stored.
    secret: Option<String>,
    user_errors: Vec<UserError>,
}

#[derive(InputObject)]
pub(crate) struct RevokeApiKeyInput {
    id: ID,
}

#[derive(SimpleObject)]
pub(crate) struct RevokeApiKeyPayload {
    api_key: Option<ApiKey>,
    user_errors: Vec<UserError>,
}

#[Object]
impl ApiKeysMutation {
    /// Makes a key for an AI client or a script.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        input: CreateApiKeyInput,
    ) -> Result<CreateApiKeyPayload> {
        Ok(match expected(create(Caller::of(ctx), input).await)? {
            Ok(created) => CreateApiKeyPayload {
                api_key: Some(ApiKey(created.key)),
                secret: Some(created.secret.expose_secret().to_owned()),
                user_errors: Vec::new(),
            },
            Err(user_errors) => CreateApiKeyPayload { api_key: None, secret: None, user_errors },
        })
    }

    /// Ends a key for good.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        input: RevokeApiKeyInput,
    ) -> Result<RevokeApiKeyPayload> {
        Ok(match expected(revoke(Caller::of(ctx), input).await)? {
            Ok(key) => RevokeApiKeyPayload { api_key: Some(ApiKey(key)), user_errors: Vec::new() },
            Err(user_errors) => RevokeApiKeyPayload { api_key: None, user_errors },
        })
    }
}

async fn create(
    caller: &Caller,
    input: CreateApiKeyInput,
) -> Result<CreatedApiKey, control::Error> {
    let installs =
        input.install_ids.as_deref().map(|ids| typed_all(ids, "installIds")).transpose()?;
    let expires_in_days = input.expires_in_days.map(days).transpose()?;
    let command =
        CreateApiKey { name: input.name, role: input.role.into(), installs, expires_in_days };
    caller.control.create_api_key(&caller.ctx, command).await
}

fn days(days: i32) -> Result<u32, control::Error> {
    u32::try_from(days).map_err(|_| control::Error::Invalid {
        field: vec!["expiresInDays".to_owned()],
        code: "out_of_range",
        message: "a key cannot expire before it is made".to_owned(),
    })
}

async fn revoke(
    caller: &Caller,
    input: RevokeApiKeyInput,
) -> Result<domain::ApiKey, control::Error> {
    let id = typed(&input.id, "id")?;
    caller.control.revoke_api_key(&caller.ctx, id).await
}
