//! `scimTokens`.

use async_graphql::{Context, Object, Result};

use crate::graphql::{
    caller::Caller,
    model::scim_token::ScimToken,
    page::{Connection, connect, page_args},
};

#[derive(Default)]
pub(crate) struct ScimTokensQuery;

#[Object]
impl ScimTokensQuery {
    /// Tokens by which the organisation's directory provisions, never their text.
    async fn scim_tokens(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<ScimToken>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let tokens = caller.control.list_scim_tokens(&caller.ctx, page).await?;
        Ok(connect(tokens, continued, ScimToken))
    }
}
