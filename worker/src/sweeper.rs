//! Rings again for jobs that are due or were lost: what makes the queue a mere doorbell.

use control::Control;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::Config;

/// Sweeps until cancelled, at once and then at the configured pace.
pub(crate) async fn run(control: Control, config: Config, cancel: CancellationToken) {
    let mut ticks = interval(config.sweep_every());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match control.sweep(config.sweep_limit).await {
            Ok(0) => {}
            Ok(rung) => tracing::debug!(jobs.rung = rung, "Rang for jobs that are due"),
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "Due jobs could not be looked for; trying again"
            ),
        }
    }
}
