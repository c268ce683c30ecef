//! `ssoConnections`, `domains`, `sessions` and `organisations`.

use async_graphql::{Context, Object, Result};

use crate::graphql::{
    caller::Caller,
    model::{domain::Domain, session::Session, sso_connection::SsoConnection, tenant::Tenant},
    page::{Connection, connect, page_args},
};

#[derive(Default)]
pub(crate) struct IdentityQuery;

#[Object]
impl IdentityQuery {
    /// Ways to sign in by the organisation's own providers, oldest first.
    async fn sso_connections(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<SsoConnection>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let found = caller.control.list_sso_connections(&caller.ctx, page).await?;
        Ok(connect(found, continued, SsoConnection))
    }

    /// Domains that the organisation claims or has proven, oldest first.
    async fn domains(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<Domain>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let found = caller.control.list_domains(&caller.ctx, page).await?;
        Ok(connect(found, continued, Domain))
    }

    /// The caller's own signed-in browsers, newest first; none for an API key.
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<Session>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let found = caller.control.list_own_sessions(&caller.ctx, page).await?;
        Ok(connect(found, continued, Session))
    }

    /// The organisations that the caller belongs to.
    async fn organisations(&self, ctx: &Context<'_>) -> Result<Vec<Tenant>> {
        let caller = Caller::of(ctx);
        let found = caller.control.list_organisations(&caller.ctx).await?;
        Ok(found.into_iter().map(Tenant).collect())
    }
}
