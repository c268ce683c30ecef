//! Batching look-ups, made afresh for each request: a shared loader would be a cache across tenants.

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::{DataLoader, Loader};
use control::Control;
use domain::{InstallId, OpCtx, SyncRun};
use telemetry::names;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

/// The loaders of one request.
pub(crate) struct Loaders {
    pub(crate) installs: DataLoader<Installs>,
    pub(crate) latest_runs: DataLoader<LatestRuns>,
}

/// Installs by id; one that the caller may not see is absent.
pub(crate) struct Installs {
    control: Control,
    ctx: OpCtx,
}

/// The newest run of each install.
pub(crate) struct LatestRuns {
    control: Control,
    ctx: OpCtx,
}

/// The span of one batch: a list shows one of each kind, however long it is.
fn batch(loader: &'static str, keys: usize) -> Span {
    tracing::info_span!(names::span::GRAPHQL_LOAD, graphql.loader = loader, graphql.keys = keys)
}

// === impl Loaders ===

impl Loaders {
    /// Loaders that act as `ctx` and run their batches on `tasks`.
    pub(crate) fn new(control: &Control, ctx: &OpCtx, tasks: &TaskTracker) -> Self {
        let installs = Installs { control: control.clone(), ctx: ctx.clone() };
        let latest_runs = LatestRuns { control: control.clone(), ctx: ctx.clone() };
        let (first, second) = (tasks.clone(), tasks.clone());
        Self {
            installs: DataLoader::new(installs, move |batch| first.spawn(batch.in_current_span())),
            latest_runs: DataLoader::new(latest_runs, move |batch| {
                second.spawn(batch.in_current_span())
            }),
        }
    }
}

// === impl Installs ===

impl Loader<InstallId> for Installs {
    type Value = domain::Install;
    type Error = Arc<control::Error>;

    async fn load(
        &self,
        ids: &[InstallId],
    ) -> Result<HashMap<InstallId, Self::Value>, Self::Error> {
        let look_up = self.control.lookup_installs(&self.ctx, ids);
        let found = look_up.instrument(batch("installs", ids.len())).await.map_err(Arc::new)?;
        Ok(found.into_iter().map(|install| (install.id, install)).collect())
    }
}

// === impl LatestRuns ===

impl Loader<InstallId> for LatestRuns {
    type Value = SyncRun;
    type Error = Arc<control::Error>;

    async fn load(
        &self,
        ids: &[InstallId],
    ) -> Result<HashMap<InstallId, Self::Value>, Self::Error> {
        let look_up = self.control.latest_runs(&self.ctx, ids);
        let found = look_up.instrument(batch("latest_runs", ids.len())).await.map_err(Arc::new)?;
        Ok(found.into_iter().map(|run| (run.install, run)).collect())
    }
}
