//! `apiKeys`.

use async_graphql::{Context, Object, Result};

use crate::graphql::{
    caller::Caller,
    model::api_key::ApiKey,
    page::{Connection, connect, page_args},
};

#[derive(Default)]
pub(crate) struct ApiKeysQuery;

#[Object]
impl ApiKeysQuery {
    /// Keys, never their text.
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<ApiKey>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let keys = caller.control.list_api_keys(&caller.ctx, page).await?;
        Ok(connect(keys, continued, ApiKey))
    }
}
