//! Leaves a Redis alone that does not answer: the time box bounds one call, this bounds what an outage costs all of them.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// Failures in a row after which Redis is left alone.
const LIMIT: u32 = 5;
/// How long it is left alone before the next try.
const REST: Duration = Duration::from_millis(250);
/// Failures in a row after which the connection itself is thought to be dead. Each rest lets at least one more failure through.
const DEAD: u32 = 20;

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: AtomicU32,
    resting_until: Mutex<Option<Instant>>,
}

// === impl Breaker ===

impl Breaker {
    /// True while Redis is left alone.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        if self.failures.load(Ordering::Relaxed) < LIMIT {
            return false;
        }
        let resting = self.resting_until.lock().unwrap_or_else(PoisonError::into_inner);
        resting.is_some_and(|until| now < until)
    }

    pub(super) fn succeeded(&self) {
        // Most calls succeed after a success: no write, so that cores do not fight for the cache line.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// Counts a failure. True when the connection should be made anew.
    pub(super) fn failed(&self, now: Instant) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures >= LIMIT {
            let mut resting = self.resting_until.lock().unwrap_or_else(PoisonError::into_inner);
            *resting = Some(now + REST);
        }
        failures.is_multiple_of(DEAD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_bring_a_rest_and_a_success_ends_them() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 1..LIMIT {
            breaker.failed(start);
            assert!(!breaker.is_open(start));
        }
        breaker.failed(start);
        assert!(breaker.is_open(start));
        let later = start + REST;
        assert!(!breaker.is_open(later), "one more is let through");
        breaker.failed(later);
        assert!(breaker.is_open(later));
        breaker.succeeded();
        assert!(!breaker.is_open(later));
        breaker.failed(later);
        assert!(!breaker.is_open(later));
    }

    #[test]
    fn long_silence_asks_for_a_new_connection() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        let asked = (0..2 * DEAD).filter(|_| breaker.failed(now)).count();
        assert_eq!(asked, 2);
    }
}
