//! Settings of the queue and of the cache.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rings workers when a job is due.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QueueConfig {
    /// `memory:` inside one process, or `amqp://user:password@host/vhost` for RabbitMQ. Env: `PATCHBAY__QUEUE__URL`
    pub url: String,
    /// Beginning of the names of this deployment's queues, where several share a virtual host. Env: `PATCHBAY__QUEUE__PREFIX`
    pub prefix: String,
}

/// Shared accelerator of the gateways and carrier of signals.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// `memory:` inside one process, or `redis://host/0`. Env: `PATCHBAY__CACHE__URL`
    pub url: String,
    /// Longest that a look-up may take before it counts as a miss, in milliseconds. Env: `PATCHBAY__CACHE__TIMEOUT_MS`
    pub timeout_ms: u64,
    /// Memory for the cache inside one process, in bytes. Env: `PATCHBAY__CACHE__MEMORY_BYTES`
    pub memory_bytes: u64,
}

// === impl QueueConfig ===

impl Default for QueueConfig {
    fn default() -> Self {
        Self { url: "memory:".to_owned(), prefix: "patchbay".to_owned() }
    }
}

/// Without the address: it may hold a password.
impl std::fmt::Debug for QueueConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueueConfig").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

// === impl CacheConfig ===

impl Default for CacheConfig {
    fn default() -> Self {
        Self { url: "memory:".to_owned(), timeout_ms: 5, memory_bytes: 64 * 1024 * 1024 }
    }
}

/// Without the address: it may hold a password.
impl std::fmt::Debug for CacheConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CacheConfig").field("timeout_ms", &self.timeout_ms).finish_non_exhaustive()
    }
}
