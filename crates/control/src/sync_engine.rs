//! Carries out one run of a sync: page by page, each committed together with the cursor that follows it.
//!
//! A run can be cut off anywhere (a crash, a shutdown, a lost lease): what was committed stays, what was not is read again
//! from the cursor. Every attempt has a number that the run carries; a late commit of an earlier attempt is refused by it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use connector_sdk::{ConnectorError, Context, Next, SyncPage, SyncSource, SyncStart};
use domain::{
    AuditOutcome, Granted, Install, InstallId, InstallStatus, OpCtx, Principal, RunId, RunState,
    SyncRun, SystemReason, TenantId,
    authz::{
        Permission,
        permission::{AuditWrite, InstallRead, RecordWrite},
    },
    event::Event,
    job::{Job, Settle},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{NewAudit, Progress, Tx};
use telemetry::names::span;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    Control, Error,
    audit::{Deed, action},
    sync_page::PageChange,
    syncs::run_changed,
    upstream::{Failure, guarded},
};

/// What stands in a run's `cursor`: the connector's own, and which attempt got that far.
/// Attempts that add no page are what a run gives up after; one that gets further starts the count anew.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Checkpoint {
    cursor: Value,
    attempt: i32,
}

/// Which run is carried out, by which attempt.
struct Work {
    tenant: TenantId,
    install: InstallId,
    run: RunId,
    attempt: i32,
    request_id: String,
}

/// A run under way.
struct Sync {
    work: Work,
    connector: String,
    source: &'static dyn SyncSource,
    cx: Context,
    start: SyncStart,
    /// The last attempt that committed a page; 0 before the first.
    reached_by: i32,
}

/// What a committed page means for the run.
enum Committed {
    Continue(Value),
    Finished,
    /// Cancelled, removed, or taken over by another worker: this one is done.
    Stopped,
}

/// How an attempt ends that is not the run's success.
enum End {
    /// Nobody is to blame: the process stops.
    Interrupted,
    /// Tried again, at the earliest after this pause.
    Passing { pause: Duration, message: String },
    /// The credential was refused.
    NeedsReauth(String),
    /// Would fail again.
    Lasting(String),
}

// === impl Control ===

impl Control {
    /// Carries out one attempt of a run and says how to settle its job.
    pub(crate) async fn sync_install(
        &self,
        job: &Job,
        install: InstallId,
        run: RunId,
        cancel: CancellationToken,
    ) -> Settle {
        let work = Work {
            tenant: job.tenant,
            install,
            run,
            attempt: job.attempt,
            request_id: job.id.to_string(),
        };
        let span = tracing::info_span!(
            "job.sync_install",
            otel.name = span::JOB_SYNC_INSTALL,
            install.id = %install,
            run.id = %run,
            job.attempt = job.attempt,
        );
        match self.attempt(work, cancel).instrument(span).await {
            Ok(settle) => settle,
            Err(error) => {
                // The run's own state could not be written. The job's row brings it back later.
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    run.id = %run,
                    "A sync stopped at a fault inside and will be tried again"
                );
                Settle::RetryAt(self.now() + self.backoff(job.attempt))
            }
        }
    }

    async fn attempt(&self, work: Work, cancel: CancellationToken) -> Result<Settle, Error> {
        let Some(mut sync) = self.begin_attempt(work, cancel.clone()).await? else {
            return Ok(Settle::Done);
        };
        let limit = Duration::from_secs(self.config().page_timeout_seconds.into());
        loop {
            let page_span = tracing::info_span!("control.syncs.page", otel.name = span::SYNC_PAGE);
            let reading = guarded(limit, sync.source.read_page(&sync.cx, &sync.start));
            // Nothing of a page that is not read to its end is kept, so a connector that does not listen is simply left.
            let read = cancel.run_until_cancelled(reading.instrument(page_span)).await;
            let page = match read.unwrap_or(Err(Failure::Connector(ConnectorError::Cancelled))) {
                Ok(page) => page,
                Err(failure) => return self.end(&sync, End::of(failure)).await,
            };
            match self.commit_page(&sync, page).await? {
                Committed::Continue(cursor) => {
                    sync.reached_by = sync.work.attempt;
                    sync.start.cursor = Some(cursor);
                    sync.cx.now = self.now();
                }
                Committed::Finished | Committed::Stopped => return Ok(Settle::Done),
            }
        }
    }

    /// Marks the run as running and gathers what the connector needs. `None` when there is nothing (more) to do.
    async fn begin_attempt(
        &self,
        work: Work,
        cancel: CancellationToken,
    ) -> Result<Option<Sync>, Error> {
        let tx = self.store().begin(&work.granted::<RecordWrite>()).await?;
        let Some((install, run)) = work.find(&tx).await? else { return Ok(None) };
        if run.state.is_final() || run.attempt > work.attempt {
            return Ok(None);
        }
        if run.cancel_requested {
            self.finish_run(tx, &work, RunState::Cancelled, None).await?;
            return Ok(None);
        }
        let Some((source, connector)) = self.source_of(&install) else {
            let message = "this version of Patchbay does not have the connector any more";
            self.finish_run(tx, &work, RunState::Failed, Some(message)).await?;
            return Ok(None);
        };
        if install.status != InstallStatus::Active {
            let message = "the install was switched off, or needs a new credential";
            self.finish_run(tx, &work, RunState::Failed, Some(message)).await?;
            return Ok(None);
        }
        let checkpoint = run.cursor.clone().map(serde_json::from_value::<Checkpoint>).transpose();
        let checkpoint = checkpoint.map_err(Error::internal)?;
        let reached_by = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.attempt);
        if self.is_hopeless(work.attempt - 1 - reached_by) {
            let message = "gave up: every try was cut off before it came any further";
            self.finish_run(tx, &work, RunState::Failed, Some(message)).await?;
            return Ok(None);
        }
        tx.runs().start(&work.granted(), run.id, work.attempt, self.now()).await?;
        let state = tx.installs().sync_state(&work.granted(), install.id).await?;
        let sealed = self.load_credential(&tx, &work.granted(), &install).await?;
        tx.commit().await?;
        self.signal(run_changed(&run)).await;
        let credential = sealed.as_ref().map(|sealed| self.unseal(sealed)).transpose()?;
        let cursor = checkpoint.map(|checkpoint| checkpoint.cursor);
        let cx = self.context(install.config, credential, cancel);
        let start = SyncStart { state, cursor };
        Ok(Some(Sync { work, connector, source, cx, start, reached_by }))
    }

    fn source_of(&self, install: &Install) -> Option<(&'static dyn SyncSource, String)> {
        let source = self.connector(&install.connector)?.sync()?;
        Some((source, install.connector.clone()))
    }

    /// Writes a page and the position after it, and with the last page the end of the run, in one transaction.
    async fn commit_page(&self, sync: &Sync, mut page: SyncPage) -> Result<Committed, Error> {
        let work = &sync.work;
        let writing = work.granted::<RecordWrite>();
        let change = PageChange::of(&mut page, self.now());
        let tx = self.store().begin(&writing).await?;
        let Some(run) = work.hold(&tx).await? else { return Ok(Committed::Stopped) };
        if run.cancel_requested {
            self.finish_run(tx, work, RunState::Cancelled, None).await?;
            return Ok(Committed::Stopped);
        }
        let records = tx.records();
        let counts = records.upsert_page(&writing, work.install, work.run, &change.upserts).await?;
        let mut deleted = records.remove(&writing, work.install, &change.deletes).await?;
        records.touch(&writing, work.install, work.run, &change.seen).await?;
        let written = counts.written();
        if let Next::Finished { sweep: true, .. } = page.next {
            deleted += records.sweep(&writing, work.install, work.run).await?;
        }
        let progress = Progress {
            pages: 1,
            upserted: written,
            deleted,
            total: page.total.map(|total| i64::try_from(total).unwrap_or(i64::MAX)),
            cursor: work.checkpoint(&page.next),
        };
        tx.runs().advance(&writing, work.run, progress).await?;
        self.0.parts.metrics.sync_records(u64::try_from(written).unwrap_or_default());
        match page.next {
            Next::Continue(cursor) => {
                tx.commit().await?;
                self.signal(run_changed(&run)).await;
                Ok(Committed::Continue(cursor))
            }
            Next::Finished { state, .. } => {
                tx.installs().set_synced(&writing, work.install, self.now(), state).await?;
                self.finish_run(tx, work, RunState::Succeeded, None).await?;
                Ok(Committed::Finished)
            }
        }
    }

    /// Ends an attempt that did not finish the run.
    async fn end(&self, sync: &Sync, end: End) -> Result<Settle, Error> {
        let work = &sync.work;
        let fruitless = work.attempt - sync.reached_by;
        let (pause, message) = match end {
            End::Interrupted => return self.wait_for(work, Duration::ZERO, None).await,
            End::NeedsReauth(message) => {
                self.mark_reauth(&work.granted(), work.install, &message).await?;
                return self.give_up(work, &message).await;
            }
            End::Lasting(message) => return self.give_up(work, &message).await,
            End::Passing { pause, message } => (pause, message),
        };
        if self.is_hopeless(fruitless) {
            let message = format!("gave up after {fruitless} tries without progress: {message}");
            return self.give_up(work, &message).await;
        }
        tracing::info!(
            connector = sync.connector,
            install.id = %work.install,
            "A sync will be tried again: {message}"
        );
        self.wait_for(work, pause.max(self.backoff(fruitless)), Some(&message)).await
    }

    /// Leaves the run, with its cursor, to a later attempt.
    async fn wait_for(
        &self,
        work: &Work,
        pause: Duration,
        message: Option<&str>,
    ) -> Result<Settle, Error> {
        let writing = work.granted::<RecordWrite>();
        let tx = self.store().begin(&writing).await?;
        let Some(run) = work.hold(&tx).await? else { return Ok(Settle::Done) };
        if run.cancel_requested {
            self.finish_run(tx, work, RunState::Cancelled, None).await?;
            return Ok(Settle::Done);
        }
        let message = message.map(ToOwned::to_owned);
        tx.runs().finish(&writing, work.run, RunState::Retrying, message, self.now()).await?;
        tx.commit().await?;
        self.signal(run_changed(&run)).await;
        Ok(Settle::RetryAt(after(self.now(), pause)))
    }

    async fn give_up(&self, work: &Work, message: &str) -> Result<Settle, Error> {
        let tx = self.store().begin(&work.granted::<RecordWrite>()).await?;
        if work.hold(&tx).await?.is_none() {
            return Ok(Settle::Done);
        }
        self.finish_run(tx, work, RunState::Failed, Some(message)).await?;
        Ok(Settle::Dead)
    }

    /// Writes the end of a run with its audit entry, commits, and tells everybody.
    async fn finish_run(
        &self,
        tx: Tx,
        work: &Work,
        state: RunState,
        error: Option<&str>,
    ) -> Result<(), Error> {
        let writing = work.granted::<RecordWrite>();
        let message = error.map(ToOwned::to_owned);
        tx.runs().finish(&writing, work.run, state, message, self.now()).await?;
        let run = tx.runs().lookup(&work.granted(), work.run).await?;
        let actor = Principal::System(SystemReason::RunJob);
        self.audit_end(&tx, &work.granted(), &actor, &run).await?;
        tx.commit().await?;
        self.signal(run_changed(&run)).await;
        if run.pages > 0 {
            self.signal(Event::DataChanged { tenant: run.tenant, install: run.install }).await;
        }
        Ok(())
    }

    /// Ends a run that no worker is carrying out, in the transaction of whoever cancels it.
    pub(crate) async fn finish_cancelled(
        &self,
        tx: &Tx,
        ctx: &OpCtx,
        run: RunId,
    ) -> Result<(), Error> {
        let writing: Granted<RecordWrite> = granted(ctx.tenant(), ctx.request_id());
        tx.runs().finish(&writing, run, RunState::Cancelled, None, self.now()).await?;
        let run = tx.runs().lookup(&ctx.require()?, run).await?;
        let auditing = granted(ctx.tenant(), ctx.request_id());
        self.audit_end(tx, &auditing, ctx.principal(), &run).await
    }

    async fn audit_end(
        &self,
        tx: &Tx,
        granted: &Granted<AuditWrite>,
        actor: &Principal,
        run: &SyncRun,
    ) -> Result<(), Error> {
        let deed = Deed::on(action::SYNC_FINISH, &run.id);
        let outcome = match run.state {
            RunState::Failed => AuditOutcome::Failed,
            _ => AuditOutcome::Succeeded,
        };
        let detail = json!({
            "install": run.install,
            "state": run.state,
            "attempt": run.attempt,
            "pages": run.pages,
            "upserted": run.records_upserted,
            "deleted": run.records_deleted,
        });
        let entry = self.audit_by(actor, granted.request_id(), &deed).succeeded();
        tx.audit().append(granted, NewAudit { outcome, detail, ..entry }).await?;
        Ok(())
    }

    /// Whether so many tries in a row without a new page are enough.
    fn is_hopeless(&self, fruitless: i32) -> bool {
        u32::try_from(fruitless).is_ok_and(|tries| tries >= self.config().sync_attempts)
    }

    /// The pause before the next try: doubles each time, and is spread so that many runs do not come back at once.
    fn backoff(&self, tries: i32) -> Duration {
        let config = self.config();
        let doublings = u32::try_from(tries - 1).unwrap_or_default().min(20);
        let full = u64::from(config.retry_base_milliseconds) << doublings;
        let full = full.min(u64::from(config.retry_max_seconds) * 1000);
        // Without randomness the pause is the full one: later than needed, never wrong.
        let random = u64::from(getrandom::u32().unwrap_or(u32::MAX));
        Duration::from_millis(full / 2 + (full / 2) * random / u64::from(u32::MAX))
    }
}

// === impl Work ===

impl Work {
    fn granted<P: Permission>(&self) -> Granted<P> {
        granted(self.tenant, &self.request_id)
    }

    /// The install and the run; `None` when somebody has removed the install.
    async fn find(&self, tx: &Tx) -> Result<Option<(Install, SyncRun)>, Error> {
        let reading = self.granted::<InstallRead>();
        let install = match tx.installs().lookup(&reading, self.install).await {
            Err(store::Error::NotFound) => return Ok(None),
            found => found?,
        };
        match tx.runs().lookup(&reading, self.run).await {
            Err(store::Error::NotFound) => Ok(None),
            found => Ok(Some((install, found?))),
        }
    }

    /// The run, locked for the rest of the transaction, if this attempt still carries it out: nobody ends or takes it over meanwhile.
    async fn hold(&self, tx: &Tx) -> Result<Option<SyncRun>, Error> {
        let nothing_yet = Progress::default();
        let run = match tx.runs().advance(&self.granted(), self.run, nothing_yet).await {
            Err(store::Error::NotFound | store::Error::Conflict { .. }) => return Ok(None),
            run => run?,
        };
        if run.attempt == self.attempt {
            return Ok(Some(run));
        }
        tracing::warn!(run.id = %run.id, "Another worker has taken the run over: what came late is thrown away");
        Ok(None)
    }

    fn checkpoint(&self, next: &Next) -> Option<Value> {
        match next {
            Next::Continue(cursor) => Some(json!({ "cursor": cursor, "attempt": self.attempt })),
            Next::Finished { .. } => None,
        }
    }
}

// === impl End ===

impl End {
    fn of(failure: Failure) -> Self {
        let (pause, message) = match failure {
            Failure::Connector(ConnectorError::Cancelled) => return Self::Interrupted,
            Failure::Connector(ConnectorError::Auth { message }) => {
                return Self::NeedsReauth(message);
            }
            Failure::Connector(ConnectorError::RateLimited { retry_after }) => {
                (retry_after, "the service asks for fewer requests".to_owned())
            }
            Failure::Connector(error @ ConnectorError::Transient { .. }) => {
                (Duration::ZERO, error.to_string())
            }
            Failure::Connector(lasting) => return Self::Lasting(lasting.to_string()),
            Failure::Timeout(limit) => {
                let seconds = limit.as_secs();
                (Duration::ZERO, format!("the service did not answer within {seconds} seconds"))
            }
            Failure::Panicked => (Duration::ZERO, "the connector broke".to_owned()),
        };
        Self::Passing { pause, message }
    }
}

fn granted<P: Permission>(tenant: TenantId, request_id: &str) -> Granted<P> {
    Granted::system(SystemReason::RunJob, tenant, request_id)
}

fn after(now: DateTime<Utc>, pause: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::days(1))
}
