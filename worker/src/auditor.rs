//! Has the audit logs signed, and cut where their time is over. Every worker may do so.

use control::Control;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::Config;

/// Looks until cancelled, at once and then at the configured pace.
pub(crate) async fn run(control: Control, config: Config, cancel: CancellationToken) {
    let mut ticks = interval(config.audit_every());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match control.keep_audit().await {
            Ok(round) if round.removed > 0 => {
                tracing::info!(audit.removed = round.removed, "Removed old audit entries");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "The audit logs could not be looked after; trying again"
            ),
        }
    }
}
