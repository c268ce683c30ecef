//! Background work: what the worker does with a job. A row is the job, the queue is only its doorbell.

use std::time::Duration;

use domain::{
    JobId,
    job::{Job, JobPayload, Lane, Settle},
};
use tokio_util::sync::CancellationToken;

use crate::{Control, Error};

/// Most jobs that one sweep rings for.
const SWEEP_BATCH: u32 = 500;

// === impl Control ===

impl Control {
    /// Takes a job for a worker, for the time of a lease. `None` means that somebody else has it or that it is done: drop the delivery.
    ///
    /// # Errors
    /// [`Error::Internal`]: leave the delivery to the queue.
    pub async fn claim_job(&self, id: JobId, worker: &str) -> Result<Option<Job>, Error> {
        // Its ring has arrived: should it become due again, the next sweep may ring.
        self.0.rung.invalidate(&id);
        Ok(self.store().jobs().claim(id, worker, self.now(), self.lease()).await?)
    }

    /// Carries a job out and says how to settle it. A job of an unknown kind is parked for a version that knows it.
    /// When `cancel` is cancelled, the job stops at its next safe point and is to be tried again.
    pub async fn run_job(&self, job: &Job, cancel: CancellationToken) -> Settle {
        match &job.payload {
            Ok(JobPayload::SyncInstall { install, run }) => {
                self.sync_install(job, *install, *run, cancel).await
            }
            Ok(JobPayload::RotateDataKey { rotation }) => {
                self.carry_out_rotation(job, *rotation, cancel).await
            }
            Ok(JobPayload::RelayEvents {}) => self.relay_events(job).await,
            Ok(JobPayload::DeliverWebhook { delivery }) => {
                self.deliver_webhook(job, *delivery).await
            }
            Err(kind) => {
                tracing::warn!(job.id = %job.id, job.kind = %kind, "Parked a job of a kind that this version does not know");
                Settle::Parked
            }
        }
    }

    /// Holds a job for another lease. `false` means that it was lost to another worker: stop at once.
    ///
    /// # Errors
    /// [`Error::Internal`]: try again before the lease ends.
    pub async fn extend_lease(&self, id: JobId, worker: &str) -> Result<bool, Error> {
        let until = self.now() + self.lease();
        Ok(self.store().jobs().extend(id, worker, until).await?)
    }

    /// Writes down how a job ended. Does nothing when the lease was lost in the meantime.
    ///
    /// # Errors
    /// [`Error::Internal`]: the lease will expire and the job will be tried again.
    pub async fn settle_job(&self, id: JobId, worker: &str, settle: Settle) -> Result<(), Error> {
        self.store().jobs().settle(id, worker, settle, self.now()).await?;
        Ok(())
    }

    /// How long a worker holds a job without a sign of life.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.config().lease_seconds.into())
    }

    /// Rings again for what is due or lost: rings that failed, retries whose time has come, jobs whose worker died.
    /// Returns how many.
    ///
    /// # Errors
    /// [`Error::Internal`]: the next sweep tries again.
    pub async fn sweep(&self, limit: u32) -> Result<usize, Error> {
        let due = self.store().jobs().due(self.now(), limit.min(SWEEP_BATCH)).await?;
        let mut rung = 0;
        for (job, lane) in due {
            // Jobs that wait their turn in a long queue are due all the time: a ring for each at every sweep would flood it.
            if self.0.rung.get(&job).is_none() {
                self.ring(lane, job, None).await;
                rung += 1;
            }
        }
        Ok(rung)
    }

    /// Rings a worker. A failure is logged and made up for by the sweeper.
    pub(crate) async fn ring(&self, lane: Lane, job: JobId, traceparent: Option<&str>) {
        match self.0.parts.queue.ring(lane, job, traceparent).await {
            Ok(()) => {
                self.0.rung.insert(job, ());
                self.0.parts.metrics.queue_ring();
            }
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                job.id = %job,
                "The queue did not take a ring; the sweeper will ring again"
            ),
        }
    }
}
