//! A token bucket per API key and per client that a person let in, in this process: who calls too often is told when to come back.
//! Everything counts that a known caller asks for, also what comes out of the cache and what is refused: names cannot be tried out for free.

use std::{num::NonZeroU32, sync::Arc};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use telemetry::Metrics;
use uuid::Uuid;

use crate::{
    call::{Call, Identified, Outcome},
    error::Refusal,
    stack::{Layer, Service},
};

/// The buckets.
pub(crate) type Buckets = DefaultKeyedRateLimiter<Uuid>;

/// Makes the layer.
pub(crate) struct Limit {
    pub(crate) buckets: Arc<Buckets>,
    pub(crate) metrics: Metrics,
}

/// A service behind the limit.
pub(crate) struct Limited<S> {
    inner: S,
    buckets: Arc<Buckets>,
    metrics: Metrics,
    clock: DefaultClock,
}

/// Buckets that refill at a rate and hold a burst.
pub(crate) fn buckets(per_second: NonZeroU32, burst: NonZeroU32) -> Buckets {
    RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst))
}

// === impl Limit ===

impl<S> Layer<S> for Limit {
    type Service = Limited<S>;

    fn layer(self, inner: S) -> Limited<S> {
        Limited {
            inner,
            buckets: self.buckets,
            metrics: self.metrics,
            clock: DefaultClock::default(),
        }
    }
}

// === impl Limited ===

impl<S: Service<Identified<Call>>> Service<Identified<Call>> for Limited<S> {
    async fn call(&self, identified: Identified<Call>) -> Outcome {
        if let Err(not_until) = self.buckets.check_key(&identified.caller.credential) {
            self.metrics.rate_limited();
            let retry_after = not_until.wait_time_from(self.clock.now());
            return Err(Refusal::LimitReached { retry_after });
        }
        self.inner.call(identified).await
    }
}
