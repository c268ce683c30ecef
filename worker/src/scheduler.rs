//! Starts automatic syncs when their time has come, and looks again at proven domains. Every worker may do so: the database lets each sync start once.

use control::Control;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::Config;

/// Schedules until cancelled, at once and then at the configured pace.
pub(crate) async fn run(control: Control, config: Config, cancel: CancellationToken) {
    let mut ticks = interval(config.schedule_every());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match control.schedule_due_syncs().await {
            Ok(0) => {}
            Ok(started) => tracing::info!(syncs.started = started, "Started syncs that were due"),
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "Automatic syncs could not be scheduled; trying again"
            ),
        }
        match control.check_domains().await {
            Ok(0) => {}
            Ok(looked_at) => {
                tracing::info!(domains.looked_at = looked_at, "Looked again at domains");
            }
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "Proven domains could not be looked at again; trying later"
            ),
        }
    }
}
