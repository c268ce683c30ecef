//! A worker in the background of a test.

use std::time::Duration;

use control::{Config, Installed};
use domain::{RunState, SyncRun};
use telemetry::Metrics;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::plane::Plane;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Worker {
    cancel: CancellationToken,
    ended: JoinHandle<Result<(), worker::Error>>,
}

// === impl Worker ===

impl Worker {
    pub(crate) fn start(plane: &Plane, config: worker::Config) -> Self {
        let cancel = CancellationToken::new();
        let run = worker::run(
            config,
            plane.control.clone(),
            plane.queue.clone(),
            Metrics::disabled(),
            cancel.clone(),
        );
        Self { cancel, ended: TaskTracker::new().spawn(run) }
    }

    /// Asks it to stop, without waiting.
    pub(crate) fn ask_to_stop(&self) {
        self.cancel.cancel();
    }

    /// Waits until it has drained.
    pub(crate) async fn drained(self) {
        self.cancel.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.ended).await.expect("in time");
        ended.expect("no panic").expect("no error");
    }
}

/// Settings under which nothing but a ring starts a job: the first sweep comes at once, the next never.
pub(crate) fn only_rings() -> worker::Config {
    worker::Config { sweep_milliseconds: 3_600_000, schedule_seconds: 3600, ..sweeping() }
}

pub(crate) fn sweeping() -> worker::Config {
    worker::Config {
        sweep_milliseconds: 20,
        schedule_seconds: 1,
        drain_seconds: 0,
        ..worker::Config::default()
    }
}

/// A plane whose lost rings are soon repeated.
pub(crate) async fn plane() -> Plane {
    Plane::with(Config { ring_again_milliseconds: 50, ..Config::default() }).await
}

/// Waits until a run is in a state.
pub(crate) async fn reaches(plane: &Plane, installed: &Installed, state: RunState) -> SyncRun {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let run = plane.run_of(installed).await;
        if run.state == state {
            return run;
        }
        assert!(Instant::now() < deadline, "not {state:?} in time: {run:?}");
        sleep(Duration::from_millis(5)).await;
    }
}
