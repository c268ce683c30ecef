//! Removes what is over and was kept long enough, and takes up the jobs that an older version could not read.

use chrono::TimeDelta;

use crate::{Control, Error};

/// How long a job that is done or given up is kept, to be looked at when something went wrong.
const JOBS_KEPT: TimeDelta = TimeDelta::days(7);
/// How long sessions and sign-in links are kept after their end.
const SIGN_INS_KEPT: TimeDelta = TimeDelta::days(1);

/// How long a delivery that is over can be looked at and replayed.
const DELIVERIES_KEPT: TimeDelta = TimeDelta::days(30);

/// What one round of housekeeping did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Housekeeping {
    /// Parked jobs that are due again.
    pub unparked: u64,
    /// Jobs that were over.
    pub jobs_removed: u64,
    /// Sessions and sign-in links that had expired.
    pub sign_ins_removed: u64,
    /// Deliveries to webhooks that were over.
    pub deliveries_removed: u64,
}

// === impl Control ===

impl Control {
    /// One round of housekeeping. Two at once do nothing twice.
    ///
    /// # Errors
    /// [`Error::Internal`]: what is left waits for the next round.
    pub async fn keep_house(&self) -> Result<Housekeeping, Error> {
        let (jobs, now) = (self.store().jobs(), self.now());
        Ok(Housekeeping {
            unparked: jobs.unpark().await?,
            jobs_removed: jobs.purge(now - JOBS_KEPT).await?,
            sign_ins_removed: self.store().directory().purge_expired(now - SIGN_INS_KEPT).await?,
            deliveries_removed: self.purge_deliveries(now - DELIVERIES_KEPT).await?,
        })
    }
}
