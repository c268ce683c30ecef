//! Carries out one run of a sync: page by page, each committed together with the cursor that follows it.
//!
//! A run can be cut off anywhere (a crash, a shutdown, a lost lease): what was committed stays, what was not is read again
//! from the cursor. Every attempt has a number that the run carries; a late commit of an earlier attempt is refused by it.

use std::time::Duration;

use connector_sdk::{ConnectorError, Context, Next, SyncPage, SyncSource, SyncStart};
use domain::{
    Install, InstallId, InstallStatus, Principal, RunId, RunState, SystemReason,
    authz::permission::RecordWrite,
    job::{Job, Settle},
};
use serde_json::Value;
use store::Progress;
use telemetry::names::span;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    Control, Error,
    credentials::Purpose,
    sync_end::End,
    sync_page::PageChange,
    sync_work::{Checkpoint, Work},
    syncs::run_changed,
    upstream::{Failure, guarded},
};

/// Who opens credentials for runs.
const WORKER: Principal = Principal::System(SystemReason::RunJob);

/// A run under way.
struct Sync {
    work: Work,
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
                Err(failure) => {
                    return self.end(&sync.work, sync.reached_by, End::of(failure)).await;
                }
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
        let Some(install) = work.find_install(&tx).await? else { return Ok(None) };
        // Taken up before it is looked at: from here on no earlier attempt commits a page or an end.
        let run = match tx.runs().start(&work.granted(), work.run, work.attempt, self.now()).await {
            Err(store::Error::NotFound | store::Error::Conflict { .. }) => return Ok(None),
            started => started?,
        };
        if run.cancel_requested {
            self.finish_run(tx, &work, RunState::Cancelled, None).await?;
            return Ok(None);
        }
        let Some(source) = self.source_of(&install) else {
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
        let state = tx.installs().sync_state(&work.granted(), install.id).await?;
        let sealed = self.load_credential(&tx, &work.granted(), &install).await?;
        tx.commit().await?;
        self.signal(run_changed(&run)).await;
        let credential = match &sealed {
            Some(sealed) => {
                let request_id = work.run.to_string();
                Some(self.unseal((&WORKER, &request_id), sealed, Purpose::Sync).await?)
            }
            None => None,
        };
        let cursor = checkpoint.map(|checkpoint| checkpoint.cursor);
        let cx = self.context(install.config, credential, cancel);
        let start = SyncStart { state, cursor };
        Ok(Some(Sync { work, source, cx, start, reached_by }))
    }

    fn source_of(&self, install: &Install) -> Option<&'static dyn SyncSource> {
        self.connector(&install.connector)?.sync()
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
}
