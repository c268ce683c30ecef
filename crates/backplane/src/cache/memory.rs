//! The cache inside one process, bounded by bytes.

use std::time::Duration;

use bytes::Bytes;
use moka::future::Cache;
use tokio::time::Instant;

use super::CacheKey;

/// Values with the time until which they may be used.
#[derive(Clone)]
pub struct MemoryCache(Cache<CacheKey, (Bytes, Instant)>);

// === impl MemoryCache ===

impl MemoryCache {
    pub(super) fn new(bytes: u64) -> Self {
        let weight = |key: &CacheKey, value: &(Bytes, Instant)| {
            u32::try_from(key.as_str().len() + value.0.len()).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(bytes).weigher(weight).build())
    }

    pub(super) async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        let (value, until) = self.0.get(key).await?;
        if Instant::now() < until {
            return Some(value);
        }
        self.0.invalidate(key).await;
        None
    }

    pub(super) async fn put(&self, key: &CacheKey, value: Bytes, keep: Duration) {
        self.0.insert(key.clone(), (value, Instant::now() + keep)).await;
    }

    pub(super) async fn remove(&self, key: &CacheKey) {
        self.0.invalidate(key).await;
    }
}
