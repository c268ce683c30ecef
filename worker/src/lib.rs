//! The queue door: takes rings off the lanes, claims the jobs behind them, runs them through `control` and settles them.
//!
//! A ring is only a hint. Whoever claims the row runs the job; a lost ring is rung again by the sweeper, a double one finds nothing
//! to claim. So a worker can be killed at any moment: its lease runs out and another one goes on.

mod auditor;
mod config;
mod heartbeat;
mod housekeeper;
mod runner;
mod scheduler;
mod sweeper;

use std::sync::Arc;

use backplane::Queue;
use control::Control;
use domain::job::Lane;
use telemetry::Metrics;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use config::Config;
use runner::Runner;

/// Why the worker could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the queue could not be listened to (`queue.url`)")]
    Queue(#[from] backplane::Error),
}

/// Works until cancelled, then drains: takes nothing new, lets running jobs finish for a while, and hands the rest back.
///
/// # Errors
/// [`Error::Queue`] when a lane cannot be listened to at all; a broker that is away for a while is waited for.
pub async fn run(
    config: Config,
    control: Control,
    queue: Queue,
    metrics: Metrics,
    cancel: CancellationToken,
) -> Result<(), Error> {
    let runner = Arc::new(Runner::new(config.clone(), control.clone(), metrics));
    let loops = TaskTracker::new();
    for lane in Lane::ALL {
        let deliveries = queue.consume(*lane, config.concurrency(*lane)).await?;
        loops.spawn(Arc::clone(&runner).consume(*lane, deliveries, cancel.clone()));
    }
    loops.spawn(sweeper::run(control.clone(), config.clone(), cancel.clone()));
    loops.spawn(auditor::run(control.clone(), config.clone(), cancel.clone()));
    loops.spawn(housekeeper::run(control.clone(), cancel.clone()));
    loops.spawn(scheduler::run(control, config, cancel.clone()));
    loops.close();
    loops.wait().await;
    runner.drain().await;
    Ok(())
}
