//! Keeps a job's lease while it runs, and stops the job when the lease is lost.

use control::Control;
use domain::JobId;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

/// Signs of life within one lease: two may fail before it runs out.
const BEATS: u32 = 3;

/// Extends the lease until dropped. Returns when the lease is lost to another worker; `cancel` is then cancelled.
pub(crate) async fn keep(control: &Control, job: JobId, worker: &str, cancel: &CancellationToken) {
    let every = control.lease() / BEATS;
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match control.extend_lease(job, worker).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(job.id = %job, "The lease of a running job was lost: stopping it");
                cancel.cancel();
                return;
            }
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                job.id = %job,
                "A lease could not be extended; trying again"
            ),
        }
    }
}
