//! Results of tools whose connector says that they may be kept: in this process first, in the shared cache second. After the
//! policy and the limit, never errors, and under a key that nobody else's call can have.

use std::{sync::Arc, time::Duration};

use backplane::{Cache, CacheKey};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use domain::{InstallId, TenantId};
use telemetry::Metrics;
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::Instant,
};

use super::permit::Permitted;
use crate::{
    call::{Answer, AnswerBody, Outcome, ResultKind, Routed, Target, Trail},
    mcp::{json::canonical_digest, reply::mark_hit, revision::Era},
    stack::{Layer, Service},
};

/// Largest result that is kept.
const MAX_RESULT: usize = 1024 * 1024;
/// How long an epoch is believed without asking the shared cache: the bound for a signal that got lost.
const EPOCH_FRESH: Duration = Duration::from_secs(30);
/// How long the shared cache keeps an epoch; a lost one costs a miss.
const EPOCH_KEPT: Duration = Duration::from_hours(24);
/// How long one call waits for another with the same key to fill the cache.
const FLIGHT_KEPT: Duration = Duration::from_mins(2);

/// Makes the layer.
pub(crate) struct Lookup {
    pub(crate) cache: Cache,
    pub(crate) epochs: Arc<Epochs>,
    pub(crate) bytes: u64,
    pub(crate) metrics: Metrics,
}

/// A service whose results may come out of the cache.
pub(crate) struct Cached<S> {
    inner: S,
    cache: Cache,
    epochs: Arc<Epochs>,
    near: moka::sync::Cache<CacheKey, Kept>,
    flights: Flights,
    metrics: Metrics,
}

/// Of calls that ask the same at the same time one goes on and the others wait for its result. If it brings none that can be
/// kept, they all go on at once: a tool that fails slowly must not make them wait for each other.
struct Flights(moka::sync::Cache<CacheKey, Arc<Mutex<()>>>);

/// Which generation of an install's data a result is from. A change of the data makes a new one, and with it new keys.
pub(crate) struct Epochs {
    cache: Cache,
    near: moka::sync::Cache<InstallId, Arc<str>>,
}

#[derive(Clone)]
struct Kept {
    /// Marked as a hit already.
    result: Bytes,
    until: Instant,
}

// === impl Lookup ===

impl<S> Layer<S> for Lookup {
    type Service = Cached<S>;

    fn layer(self, inner: S) -> Cached<S> {
        let near = moka::sync::Cache::builder()
            .max_capacity(self.bytes)
            .weigher(|_key, kept: &Kept| u32::try_from(kept.result.len() + 256).unwrap_or(u32::MAX))
            .build();
        Cached {
            inner,
            cache: self.cache,
            epochs: self.epochs,
            near,
            flights: Flights::new(),
            metrics: self.metrics,
        }
    }
}

// === impl Cached ===

impl<S: Service<Permitted<Routed>>> Service<Permitted<Routed>> for Cached<S> {
    async fn call(&self, permitted: Permitted<Routed>) -> Outcome {
        let Some((key, keep)) = self.key(&permitted).await else {
            return self.inner.call(permitted).await;
        };
        let trail = Arc::clone(&permitted.get().call.call.trail);
        if let Some(result) = self.find(&key, keep).await {
            return Ok(self.hit(&trail, result));
        }
        let lead = self.flights.lead_or_wait(&key).await;
        if let Some(result) = self.near(&key) {
            return Ok(self.hit(&trail, result));
        }
        let _ = trail.cache.set("miss");
        self.metrics.cache("result", false);
        let outcome = self.inner.call(permitted).await;
        if let Ok(Answer {
            body: AnswerBody::Result { json, kind: ResultKind::Complete },
            session: None,
        }) = &outcome
            && json.len() <= MAX_RESULT
        {
            self.keep_near(&key, json, keep);
            // Those who wait need the near one only.
            drop(lead);
            self.cache.put(&key, json.clone(), keep).await;
        }
        outcome
    }
}

impl<S> Cached<S> {
    /// `None` when the result may not be kept.
    async fn key(&self, permitted: &Permitted<Routed>) -> Option<(CacheKey, Duration)> {
        let identified = permitted.get();
        let Target::Tool(target) = &identified.call.target else { return None };
        let seconds = target.tool.cache_ttl_seconds.filter(|seconds| *seconds > 0)?;
        let install = identified.install(target.install)?;
        let arguments = canonical_digest(identified.call.call.params()?.arguments())?;
        let tenant = identified.caller.ctx.tenant();
        let epoch = self.epochs.current(tenant, install.id).await?;
        let era = match identified.call.call.era {
            Era::Modern => "modern",
            Era::Legacy => "legacy",
        };
        let parts: [&str; 6] = [
            &install.id.to_string(),
            &install.version.to_string(),
            &epoch,
            &target.tool.own_name,
            &arguments,
            era,
        ];
        Some((CacheKey::new(tenant, "tool", &parts), Duration::from_secs(seconds.into())))
    }

    async fn find(&self, key: &CacheKey, keep: Duration) -> Option<Bytes> {
        if let Some(result) = self.near(key) {
            return Some(result);
        }
        let result = self.cache.get(key).await?;
        // How old it is there is not known: a quarter of its life here keeps the sum near what the connector allows.
        Some(self.keep_near(key, &result, keep / 4))
    }

    fn keep_near(&self, key: &CacheKey, result: &Bytes, keep: Duration) -> Bytes {
        let result = mark_hit(result);
        let kept = Kept { result: result.clone(), until: Instant::now() + keep };
        self.near.insert(key.clone(), kept);
        result
    }

    fn hit(&self, trail: &Trail, result: Bytes) -> Answer {
        let _ = trail.cache.set("hit");
        self.metrics.cache("result", true);
        Answer::complete(result)
    }

    fn near(&self, key: &CacheKey) -> Option<Bytes> {
        self.near.get(key).filter(|kept| kept.until > Instant::now()).map(|kept| kept.result)
    }
}

// === impl Flights ===

impl Flights {
    fn new() -> Self {
        Self(moka::sync::Cache::builder().max_capacity(10_000).time_to_idle(FLIGHT_KEPT).build())
    }

    /// Something for the first call, who leads until it drops it; the others get nothing, when the first has ended.
    async fn lead_or_wait(&self, key: &CacheKey) -> Option<OwnedMutexGuard<()>> {
        let flight = self.0.get_with(key.clone(), Arc::default);
        if let Ok(lead) = Arc::clone(&flight).try_lock_owned() {
            return Some(lead);
        }
        drop(flight.lock().await);
        None
    }
}

// === impl Epochs ===

impl Epochs {
    pub(crate) fn new(cache: Cache) -> Self {
        let near =
            moka::sync::Cache::builder().max_capacity(100_000).time_to_live(EPOCH_FRESH).build();
        Self { cache, near }
    }

    /// The epoch that all gateways share as long as the shared cache works; each has its own when it does not.
    async fn current(&self, tenant: TenantId, install: InstallId) -> Option<Arc<str>> {
        if let Some(epoch) = self.near.get(&install) {
            return Some(epoch);
        }
        let key = epoch_key(tenant, install);
        let shared = self.cache.get(&key).await.and_then(|it| String::from_utf8(it.to_vec()).ok());
        let epoch = if let Some(epoch) = shared {
            epoch
        } else {
            let mut random = [0; 16];
            getrandom::fill(&mut random).ok()?;
            let epoch = STANDARD_NO_PAD.encode(random);
            self.cache.put(&key, epoch.clone().into(), EPOCH_KEPT).await;
            epoch
        };
        let epoch: Arc<str> = epoch.into();
        self.near.insert(install, Arc::clone(&epoch));
        Some(epoch)
    }

    /// The install's data changed: what was computed from it is never found again.
    pub(crate) async fn end(&self, tenant: TenantId, install: InstallId) {
        self.cache.remove(&epoch_key(tenant, install)).await;
        self.near.invalidate(&install);
    }
}

fn epoch_key(tenant: TenantId, install: InstallId) -> CacheKey {
    CacheKey::new(tenant, "epoch", &[&install.to_string()])
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn calls_wait_for_the_first_but_not_for_each_other() {
        let flights = Flights::new();
        let key = CacheKey::new(TenantId::generate(), "tool", &["same"]);
        let lead = flights.lead_or_wait(&key).await;
        assert!(lead.is_some());
        let mut others = std::pin::pin!(join_all((0..3).map(|_| flights.lead_or_wait(&key))));
        assert!(
            futures_util::poll!(&mut others).is_pending(),
            "they wait while the first is at it"
        );
        drop(lead);
        // All of them hold what they got until the last one has got it, as if each call took for ever.
        let got = tokio::time::timeout(Duration::from_secs(5), others).await;
        assert!(got.expect("nobody waits for another").iter().all(Option::is_none));
        assert!(flights.lead_or_wait(&key).await.is_some(), "the next call leads again");
    }
}
