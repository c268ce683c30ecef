//! Where the time comes from: passed in, so that a test decides what time it is.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, Duration, Utc};

/// The time. Cheap to clone; clones of a mock show the same time.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    /// Microseconds since 1970.
    Mock(Arc<AtomicI64>),
}

// === impl Clock ===

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::advance`].
    pub fn mock(at: DateTime<Utc>) -> Self {
        Self(Source::Mock(Arc::new(AtomicI64::new(at.timestamp_micros()))))
    }

    /// The time, in whole microseconds: what both databases can store, so that a value read back equals the one written.
    pub fn now(&self) -> DateTime<Utc> {
        let micros = match &self.0 {
            Source::System => system_micros(),
            Source::Mock(micros) => micros.load(Ordering::SeqCst),
        };
        DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Moves a mock on; the system's clock does not listen.
    pub fn advance(&self, by: Duration) {
        if let Source::Mock(micros) = &self.0 {
            micros.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everything else takes the time from"
)]
fn system_micros() -> i64 {
    Utc::now().timestamp_micros()
}
