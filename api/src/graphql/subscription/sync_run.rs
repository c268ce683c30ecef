//! `syncRun`.

use async_graphql::{Context, ID, Result};
use futures_util::{Stream, StreamExt};

use crate::graphql::{caller::Caller, model::sync_run::SyncRun, scalar::typed};

/// Everything that can be watched.
#[derive(Default)]
pub(crate) struct Subscription;

#[async_graphql::Subscription]
impl Subscription {
    /// The install's current sync at once, then every change of it.
    async fn sync_run(
        &self,
        ctx: &Context<'_>,
        install_id: ID,
    ) -> Result<impl Stream<Item = Result<SyncRun>>> {
        let caller = Caller::of(ctx);
        let install = typed(&install_id, "installId")?;
        let runs = caller.control.watch_run(&caller.ctx, install).await?;
        Ok(runs.map(|run| Ok(SyncRun(run?))))
    }
}
