//! `installs` and `install`.

use async_graphql::{Context, ID, Object, Result};

use super::found;
use crate::graphql::{
    caller::Caller,
    model::install::Install,
    page::{Connection, connect, page_args},
    scalar::typed,
};

#[derive(Default)]
pub(crate) struct InstallsQuery;

#[Object]
impl InstallsQuery {
    /// Installed connectors.
    async fn installs(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<Install>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let installs = caller.control.list_installs(&caller.ctx, page).await?;
        Ok(connect(installs, continued, Install))
    }

    /// An installed connector by its id; null if there is none.
    async fn install(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Install>> {
        let caller = Caller::of(ctx);
        let id = typed(&id, "id")?;
        Ok(found(caller.control.lookup_install(&caller.ctx, id).await)?.map(Install))
    }
}
