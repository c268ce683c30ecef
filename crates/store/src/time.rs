//! Times as they are kept.

use chrono::{DateTime, SubsecRound, Utc};

/// Cuts a time to the microsecond: what PostgreSQL keeps, so that both backends give back what was written.
pub(crate) fn kept(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}
