//! `clientGrants` and `ownClientGrants`.

use async_graphql::{Context, Object, Result};

use crate::graphql::{
    caller::Caller,
    model::client_grant::ClientGrant,
    page::{Connection, connect, page_args},
};

#[derive(Default)]
pub(crate) struct ClientGrantsQuery;

#[Object]
impl ClientGrantsQuery {
    /// AI clients that people of the organisation let in by OAuth, newest first.
    async fn client_grants(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<ClientGrant>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let grants = caller.control.list_client_grants(&caller.ctx, page).await?;
        Ok(connect(grants, continued, ClientGrant))
    }

    /// AI clients that the caller let in by OAuth, newest first.
    async fn own_client_grants(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<ClientGrant>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let grants = caller.control.list_own_client_grants(&caller.ctx, page).await?;
        Ok(connect(grants, continued, ClientGrant))
    }
}
