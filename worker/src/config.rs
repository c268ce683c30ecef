//! Settings of the worker.

use std::time::Duration;

use domain::job::Lane;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The queue door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Jobs that somebody waits for, run at the same time by one worker. Env: `PATCHBAY__WORKER__INTERACTIVE_JOBS`
    pub interactive_jobs: u16,
    /// Scheduled jobs, run at the same time by one worker. Env: `PATCHBAY__WORKER__BULK_JOBS`
    pub bulk_jobs: u16,
    /// Deliveries to addresses of organisations (webhooks), run at the same time by one worker. Env: `PATCHBAY__WORKER__DELIVERY_JOBS`
    pub delivery_jobs: u16,
    /// How often the database is searched for jobs that are due or were lost, in milliseconds. Env: `PATCHBAY__WORKER__SWEEP_MILLISECONDS`
    pub sweep_milliseconds: u64,
    /// Most jobs that one such search rings for. Env: `PATCHBAY__WORKER__SWEEP_LIMIT`
    pub sweep_limit: u32,
    /// How often automatic syncs are looked for, in seconds. Env: `PATCHBAY__WORKER__SCHEDULE_SECONDS`
    pub schedule_seconds: u64,
    /// How often audit logs are looked after: signed, and cut where their time is over, in seconds. Env: `PATCHBAY__WORKER__AUDIT_SECONDS`
    pub audit_seconds: u64,
    /// How long a stopping worker lets running jobs finish before it hands them back, in seconds. Env: `PATCHBAY__WORKER__DRAIN_SECONDS`
    pub drain_seconds: u64,
}

// === impl Config ===

impl Config {
    pub(crate) const fn concurrency(&self, lane: Lane) -> u16 {
        let jobs = match lane {
            Lane::Interactive => self.interactive_jobs,
            Lane::Bulk => self.bulk_jobs,
            Lane::Delivery => self.delivery_jobs,
        };
        if jobs == 0 { 1 } else { jobs }
    }

    pub(crate) fn sweep_every(&self) -> Duration {
        Duration::from_millis(self.sweep_milliseconds.max(10))
    }

    pub(crate) fn schedule_every(&self) -> Duration {
        Duration::from_secs(self.schedule_seconds.max(1))
    }

    pub(crate) fn audit_every(&self) -> Duration {
        Duration::from_secs(self.audit_seconds.max(1))
    }

    pub(crate) const fn drain_time(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interactive_jobs: 8,
            bulk_jobs: 4,
            delivery_jobs: 32,
            sweep_milliseconds: 1_000,
            sweep_limit: 200,
            schedule_seconds: 10,
            audit_seconds: 60,
            drain_seconds: 15,
        }
    }
}
