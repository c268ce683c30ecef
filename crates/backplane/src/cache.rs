//! Work that need not be done again. Every failure is a miss; nothing that is in here is true because it is in here.

mod breaker;
mod key;
mod memory;
mod networked;

use std::time::Duration;

use bytes::Bytes;

use crate::{CacheConfig, Error};

pub use key::CacheKey;
pub(crate) use networked::{client, manager};

/// A cache. Clones share it.
#[derive(Clone)]
pub enum Cache {
    /// Inside this process.
    Memory(memory::MemoryCache),
    /// In Redis, values sealed.
    Redis(networked::RedisCache),
}

// === impl Cache ===

impl Cache {
    /// Opens the cache that the configuration names. `seal_key` seals values that leave the process.
    ///
    /// # Errors
    /// [`Error::Scheme`] or [`Error::Address`] for an address that cannot work; a Redis that is away now is no error.
    pub async fn connect(config: &CacheConfig, seal_key: [u8; 32]) -> Result<Self, Error> {
        if config.url.starts_with("memory:") {
            return Ok(Self::Memory(memory::MemoryCache::new(config.memory_bytes)));
        }
        let time_box = Duration::from_millis(config.timeout_ms);
        let cache = networked::RedisCache::new(&config.url, seal_key, time_box)?;
        // Connects now, on the runtime that lives as long as the process, so that the first caller does not pay for it.
        if let Err(error) = cache.health().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "Redis does not answer; going on without a cache until it does"
            );
        }
        Ok(Self::Redis(cache))
    }

    /// The value, if it is there, in time and unharmed.
    pub async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        match self {
            Self::Memory(cache) => cache.get(key).await,
            Self::Redis(cache) => cache.get(key).await,
        }
    }

    /// Keeps a value for a while.
    pub async fn put(&self, key: &CacheKey, value: Bytes, keep: Duration) {
        match self {
            Self::Memory(cache) => cache.put(key, value, keep).await,
            Self::Redis(cache) => cache.put(key, value, keep).await,
        }
    }

    /// Forgets a value.
    pub async fn remove(&self, key: &CacheKey) {
        match self {
            Self::Memory(cache) => cache.remove(key).await,
            Self::Redis(cache) => cache.remove(key).await,
        }
    }

    /// Whether the cache answers.
    ///
    /// # Errors
    /// What is wrong with Redis.
    pub async fn health(&self) -> Result<(), Error> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Redis(cache) => cache.health().await,
        }
    }
}
