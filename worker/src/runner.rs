//! From a ring to a settled job: claim, run, settle, acknowledge.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use backplane::{Deliveries, Delivery};
use control::Control;
use domain::job::{Job, JobPayload, Lane, Settle};
use futures_util::FutureExt;
use telemetry::{Metrics, names::span, propagate::set_parent};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use crate::{Config, heartbeat};

/// How long a job may take to come to its next safe point after it was told to stop.
const STOP_TIME: Duration = Duration::from_secs(5);
/// Pause before a job that broke is tried again. How often is up to `control`, which counts attempts.
const AFTER_PANIC: Duration = Duration::from_secs(5);

/// One worker of this process.
pub(crate) struct Runner {
    config: Config,
    control: Control,
    metrics: Metrics,
    /// Unique for every start of a process.
    name: String,
    claims: AtomicU64,
    /// Cancelled when running jobs must stop.
    stop: CancellationToken,
    jobs: TaskTracker,
}

/// How a run ended, for the settlement and the metrics.
enum Ended {
    Settled(Settle),
    /// Another worker has it.
    Lost,
}

// === impl Runner ===

impl Runner {
    pub(crate) fn new(config: Config, control: Control, metrics: Metrics) -> Self {
        Self {
            config,
            control,
            metrics,
            name: format!("worker-{}", uuid::Uuid::now_v7()),
            claims: AtomicU64::new(0),
            stop: CancellationToken::new(),
            jobs: TaskTracker::new(),
        }
    }

    /// Takes rings of one lane until cancelled. A lane has its own slots, so that bulk work never holds what somebody waits for.
    pub(crate) async fn consume(
        self: Arc<Self>,
        lane: Lane,
        mut deliveries: Deliveries,
        cancel: CancellationToken,
    ) {
        let slots = Arc::new(Semaphore::new(self.config.concurrency(lane).into()));
        loop {
            let next = async {
                let slot = Arc::clone(&slots).acquire_owned().await.ok()?;
                Some((slot, deliveries.next().await?))
            };
            let (slot, delivery) = tokio::select! {
                () = cancel.cancelled() => return,
                taken = next => match taken {
                    Some(taken) => taken,
                    None => return,
                },
            };
            self.jobs.spawn(Arc::clone(&self).handle(delivery, slot));
        }
    }

    /// Waits for running jobs, for a while; then tells them to stop, and waits until they are handed back.
    pub(crate) async fn drain(&self) {
        self.jobs.close();
        if timeout(self.config.drain_time(), self.jobs.wait()).await.is_err() {
            tracing::info!(jobs.running = self.jobs.len(), "Handing running jobs back");
            self.stop.cancel();
            self.jobs.wait().await;
        }
    }

    async fn handle(self: Arc<Self>, delivery: Delivery, _slot: OwnedSemaphorePermit) {
        // Every claim has a name of its own, so that a try that was thought lost cannot settle a later one.
        let holder = format!("{}/{}", self.name, self.claims.fetch_add(1, Ordering::Relaxed));
        match self.control.claim_job(delivery.job, &holder).await {
            Ok(Some(job)) => self.work(job, &holder, delivery.traceparent.as_deref()).await,
            // Done, or somebody else has it.
            Ok(None) => {}
            // The row is still there: the sweeper rings again when the database is back.
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                job.id = %delivery.job,
                "A job could not be claimed"
            ),
        }
        delivery.ack().await;
    }

    /// Runs a claimed job as a part of the trace that caused it: the message says which, or the row where the sweeper rang.
    async fn work(&self, job: Job, holder: &str, rung_by: Option<&str>) {
        let kind = job.payload.as_ref().map_or("unknown", JobPayload::kind);
        let span = tracing::info_span!(
            parent: None,
            "job.run",
            otel.name = span::JOB_RUN,
            otel.kind = "consumer",
            job.id = %job.id,
            job.kind = kind,
            job.attempt = job.attempt,
        );
        if let Some(cause) = rung_by.or(job.traceparent.as_deref()) {
            set_parent(&span, cause);
        }
        let started = Instant::now();
        let outcome = self.run_and_settle(&job, holder).instrument(span).await;
        self.metrics.job(kind, outcome, started.elapsed().as_secs_f64());
    }

    async fn run_and_settle(&self, job: &Job, holder: &str) -> &'static str {
        let settle = match self.run(job, holder).await {
            Ended::Settled(settle) => settle,
            Ended::Lost => return "lost",
        };
        let outcome = match settle {
            Settle::Done => "done",
            Settle::RetryAt(_) => "retry",
            Settle::Dead => "dead",
            Settle::Parked => "parked",
        };
        if let Err(error) = self.control.settle_job(job.id, holder, settle).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                job.id = %job.id,
                "A job could not be settled; it will be run again when its lease is over"
            );
        }
        outcome
    }

    /// Runs a job beside its heartbeat. Its future is dropped, which takes open transactions back, when it does not stop in time.
    async fn run(&self, job: &Job, holder: &str) -> Ended {
        let cancel = self.stop.child_token();
        let mut running = std::pin::pin!(
            AssertUnwindSafe(self.control.run_job(job, cancel.clone())).catch_unwind()
        );
        tokio::select! {
            ended = &mut running => return Ended::Settled(ended.unwrap_or_else(|_| self.panicked(job))),
            () = heartbeat::keep(&self.control, job.id, holder, &cancel) => {
                // Late writes are refused by the attempt's number; what is left to do is to stop.
                drop(timeout(STOP_TIME, running).await);
                return Ended::Lost;
            }
            () = self.stop.cancelled() => {}
        }
        match timeout(STOP_TIME, running).await {
            Ok(ended) => Ended::Settled(ended.unwrap_or_else(|_| self.panicked(job))),
            Err(_elapsed) => Ended::Settled(Settle::RetryAt(self.control.clock().now())),
        }
    }

    fn panicked(&self, job: &Job) -> Settle {
        tracing::error!(job.id = %job.id, "A job broke and will be tried again");
        Settle::RetryAt(self.control.clock().now() + AFTER_PANIC)
    }
}
