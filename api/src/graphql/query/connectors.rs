//! `connectors` and `connector`.

use async_graphql::{Context, Object, Result};

use super::found;
use crate::graphql::{caller::Caller, model::connector::Connector};

#[derive(Default)]
pub(crate) struct ConnectorsQuery;

#[Object]
impl ConnectorsQuery {
    /// The marketplace.
    async fn connectors(&self, ctx: &Context<'_>) -> Result<Vec<Connector>> {
        let caller = Caller::of(ctx);
        let manifests = caller.control.list_connectors(&caller.ctx).await?;
        Ok(manifests.into_iter().map(Connector).collect())
    }

    /// A connector by its slug; null if there is none.
    async fn connector(&self, ctx: &Context<'_>, slug: String) -> Result<Option<Connector>> {
        let caller = Caller::of(ctx);
        Ok(found(caller.control.find_connector(&caller.ctx, &slug).await)?.map(Connector))
    }
}
