//! Runs of an install's sync, as people see and steer them. What a run does is in `sync_engine.rs`.

use domain::{
    Granted, InstallId, InstallStatus, JobId, OpCtx, Page, PageArgs, RunId, RunState, SyncRun,
    authz::permission::{InstallRead, SyncRun as RunSync},
    event::Event,
    job::{JobPayload, Lane},
};
use serde_json::json;
use store::{NewJob, NewRun, Tx};
use telemetry::{names::span, propagate::current_traceparent};
use tracing::Instrument;

use crate::{
    Control, Error,
    audit::{Deed, action},
};

/// A sync to be enqueued.
pub(crate) struct NewSync {
    install: InstallId,
    lane: Lane,
}

/// A sync that stands in the database but is not announced yet: that comes after the commit.
pub(crate) struct Enqueued {
    pub(crate) run: SyncRun,
    job: JobId,
    lane: Lane,
}

// === impl NewSync ===

impl NewSync {
    /// Somebody asked and waits.
    pub(crate) const fn asked(install: InstallId) -> Self {
        Self { install, lane: Lane::Interactive }
    }

    /// Its time has come; nobody waits.
    pub(crate) const fn scheduled(install: InstallId) -> Self {
        Self { install, lane: Lane::Bulk }
    }
}

// === impl Control ===

impl Control {
    /// Starts a sync. At most one run of an install is under way.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin; [`Error::NotFound`]; [`Error::Conflict`] while a run is unfinished or the install is switched off;
    /// [`Error::Invalid`] for a connector that does not sync.
    pub async fn start_sync(&self, ctx: &OpCtx, install: InstallId) -> Result<SyncRun, Error> {
        let deed = Deed::on(action::SYNC_START, &install);
        let granted = self.require_on::<RunSync>(ctx, &deed, install).await?;
        let tx = self.store().begin(&granted).await?;
        self.check_startable(&tx, &ctx.require()?, install).await?;
        let enqueued = self.enqueue_sync(&tx, &granted, &NewSync::asked(install)).await?;
        self.audit(&tx, ctx, &deed, json!({ "run": enqueued.run.id })).await?;
        tx.commit().await?;
        let run = enqueued.run.clone();
        self.announce(Some(enqueued)).await;
        Ok(run)
    }

    /// Asks a run to stop. A waiting one stops at once, a running one at its next page; what it has synced so far stays.
    /// A finished run is given back as it is.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::NotFound`].
    pub async fn cancel_sync(&self, ctx: &OpCtx, id: RunId) -> Result<SyncRun, Error> {
        let deed = Deed::on(action::SYNC_CANCEL, &id);
        let granted = self.require::<RunSync>(ctx, &deed).await?;
        let reading: Granted<InstallRead> = ctx.require()?;
        let tx = self.store().begin(&granted).await?;
        if !ctx.reaches(tx.runs().lookup(&reading, id).await?.install) {
            return Err(Error::NotFound);
        }
        // From here on the run is locked: what its state says now, no worker changes before the commit.
        let run = tx.runs().request_cancel(&granted, id).await?;
        if run.state.is_final() {
            return Ok(run);
        }
        if matches!(run.state, RunState::Queued | RunState::Retrying) {
            self.finish_cancelled(&tx, ctx, id).await?;
        }
        let run = tx.runs().lookup(&reading, id).await?;
        self.audit(&tx, ctx, &deed, json!({ "install": run.install })).await?;
        tx.commit().await?;
        self.signal(run_changed(&run)).await;
        Ok(run)
    }

    /// The runs of an install, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an install that is not there or out of reach.
    pub async fn list_runs(
        &self,
        ctx: &OpCtx,
        install: InstallId,
        page: PageArgs,
    ) -> Result<Page<SyncRun>, Error> {
        let deed = Deed::on(action::RUN_READ, &install);
        let granted = self.require_on(ctx, &deed, install).await?;
        let tx = self.store().read(&granted).await?;
        tx.installs().lookup(&granted, install).await?;
        Ok(tx.runs().list(&granted, install, &page).await?)
    }

    /// A run by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`], also when its install is out of reach.
    pub async fn lookup_run(&self, ctx: &OpCtx, id: RunId) -> Result<SyncRun, Error> {
        let granted = self.require(ctx, &Deed::on(action::RUN_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        let run = tx.runs().lookup(&granted, id).await?;
        if ctx.reaches(run.install) { Ok(run) } else { Err(Error::NotFound) }
    }

    /// The newest run of each of some installs; installs without one, or out of reach, are missing from the answer.
    ///
    /// # Errors
    /// [`Error::Internal`] alone.
    pub async fn latest_runs(
        &self,
        ctx: &OpCtx,
        installs: &[InstallId],
    ) -> Result<Vec<SyncRun>, Error> {
        let granted = self.require(ctx, &Deed::new(action::RUN_READ)).await?;
        let reached: Vec<_> = installs.iter().copied().filter(|id| ctx.reaches(*id)).collect();
        let tx = self.store().read(&granted).await?;
        Ok(tx.runs().latest(&granted, &reached).await?)
    }

    /// Whether a run may be started now.
    pub(crate) async fn check_startable(
        &self,
        tx: &Tx,
        granted: &Granted<InstallRead>,
        id: InstallId,
    ) -> Result<(), Error> {
        let install = tx.installs().lookup(granted, id).await?;
        let syncs = self.connector(&install.connector).is_some_and(|it| it.sync().is_some());
        if !syncs {
            let message = "this connector does not sync: it only answers live calls";
            return Err(Error::invalid("installId", "not_syncable", message));
        }
        let message = match install.status {
            InstallStatus::Active => None,
            InstallStatus::Paused => Some("the install is paused: switch it on first"),
            InstallStatus::NeedsReauth => Some("the install needs a new credential first"),
        };
        if let Some(message) = message {
            return Err(Error::conflict("installId", message));
        }
        match tx.runs().find_unfinished(granted, id).await? {
            None => Ok(()),
            Some(_) => Err(Error::conflict("installId", ALREADY_RUNNING)),
        }
    }

    /// Writes a run and its job in the transaction of their cause.
    pub(crate) async fn enqueue_sync(
        &self,
        tx: &Tx,
        granted: &Granted<RunSync>,
        new: &NewSync,
    ) -> Result<Enqueued, Error> {
        let now = self.now();
        let new_run = NewRun { id: RunId::generate(), install: new.install, created_at: now };
        let run = tx.runs().create(granted, new_run).await.map_err(already_running)?;
        let job = NewJob {
            id: JobId::generate(),
            payload: JobPayload::SyncInstall { install: new.install, run: run.id },
            lane: new.lane,
            run_at: now,
            // Runs are unique already: a second unfinished one of an install is refused by the database.
            dedup_key: None,
            traceparent: current_traceparent(),
        };
        let (id, lane) = (job.id, job.lane);
        tx.jobs().enqueue(granted, job).await?;
        Ok(Enqueued { run, job: id, lane })
    }

    /// Rings for a committed sync and tells watchers. The sweeper makes up for a ring that fails.
    pub(crate) async fn announce(&self, enqueued: Option<Enqueued>) -> Option<SyncRun> {
        let enqueued = enqueued?;
        let span = tracing::info_span!(
            "queue.jobs.ring",
            otel.name = span::QUEUE_RING,
            otel.kind = "producer",
            job.id = %enqueued.job,
        );
        // The message carries the span of its own sending: the worker joins the trace there.
        let ring = async {
            let traceparent = current_traceparent();
            self.ring(enqueued.lane, enqueued.job, traceparent.as_deref()).await;
        };
        ring.instrument(span).await;
        self.signal(run_changed(&enqueued.run)).await;
        Some(enqueued.run)
    }
}

const ALREADY_RUNNING: &str = "a sync of this install is already under way";

pub(crate) const fn run_changed(run: &SyncRun) -> Event {
    Event::RunChanged { tenant: run.tenant, install: run.install, run: run.id }
}

fn already_running(error: store::Error) -> Error {
    match error {
        store::Error::Conflict { .. } => Error::conflict("installId", ALREADY_RUNNING),
        other => other.into(),
    }
}
