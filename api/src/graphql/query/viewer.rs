//! `viewer`.

use async_graphql::{Context, Object, Result};

use crate::graphql::{caller::Caller, model::viewer::Viewer};

#[derive(Default)]
pub(crate) struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// Whoever asks.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        let caller = Caller::of(ctx);
        Ok(Viewer(caller.control.viewer(&caller.ctx).await?))
    }
}
