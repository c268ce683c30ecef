//! Has the house kept: what is over is removed, and jobs that an older version left are taken up. Every worker may do so.

use std::time::Duration;

use control::Control;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_hours(1);

/// Keeps house until cancelled, at once and then every hour.
pub(crate) async fn run(control: Control, cancel: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match control.keep_house().await {
            Ok(done) => tracing::debug!(
                jobs.unparked = done.unparked,
                jobs.removed = done.jobs_removed,
                sign_ins.removed = done.sign_ins_removed,
                deliveries.removed = done.deliveries_removed,
                "Kept house"
            ),
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "What is over could not be removed; trying again in an hour"
            ),
        }
    }
}
