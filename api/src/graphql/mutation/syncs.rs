//! `startSync` and `cancelSync`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::expected;
use crate::graphql::{
    caller::Caller,
    model::{sync_run::SyncRun, user_error::UserError},
    scalar::typed,
};

#[derive(Default)]
pub(crate) struct SyncsMutation;

#[derive(InputObject)]
pub(crate) struct StartSyncInput {
    install_id: ID,
}

#[derive(SimpleObject)]
pub(crate) struct StartSyncPayload {
    run: Option<SyncRun>,
    user_errors: Vec<UserError>,
}

#[derive(InputObject)]
pub(crate) struct CancelSyncInput {
    run_id: ID,
}

#[derive(SimpleObject)]
pub(crate) struct CancelSyncPayload {
    run: Option<SyncRun>,
    user_errors: Vec<UserError>,
}

#[Object]
impl SyncsMutation {
    /// Starts a sync, or gives the one that is already under way.
    async fn start_sync(
        &self,
        ctx: &Context<'_>,
        input: StartSyncInput,
    ) -> Result<StartSyncPayload> {
        Ok(match expected(start(Caller::of(ctx), input).await)? {
            Ok(run) => StartSyncPayload { run: Some(SyncRun(run)), user_errors: Vec::new() },
            Err(user_errors) => StartSyncPayload { run: None, user_errors },
        })
    }

    /// Asks a sync to stop after the page it is at.
    async fn cancel_sync(
        &self,
        ctx: &Context<'_>,
        input: CancelSyncInput,
    ) -> Result<CancelSyncPayload> {
        Ok(match expected(cancel(Caller::of(ctx), input).await)? {
            Ok(run) => CancelSyncPayload { run: Some(SyncRun(run)), user_errors: Vec::new() },
            Err(user_errors) => CancelSyncPayload { run: None, user_errors },
        })
    }
}

async fn start(caller: &Caller, input: StartSyncInput) -> Result<domain::SyncRun, control::Error> {
    let install = typed(&input.install_id, "installId")?;
    caller.control.start_sync(&caller.ctx, install).await
}

async fn cancel(
    caller: &Caller,
    input: CancelSyncInput,
) -> Result<domain::SyncRun, control::Error> {
    let run = typed(&input.run_id, "runId")?;
    caller.control.cancel_sync(&caller.ctx, run).await
}
