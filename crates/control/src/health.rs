//! Whether the parts answer.

use crate::Control;

/// Which parts answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Needed for everything but MCP calls on snapshots in memory.
    pub database: bool,
    /// Needed for starting work at once; without it the sweeper starts it later.
    pub queue: bool,
    /// An accelerator.
    pub cache: bool,
}

// === impl Control ===

impl Control {
    /// Asks every part.
    pub async fn health(&self) -> Health {
        let parts = &self.0.parts;
        let (database, queue, cache) =
            tokio::join!(parts.store.ping(), parts.queue.health(), parts.cache.health());
        Health { database: database.is_ok(), queue: queue.is_ok(), cache: cache.is_ok() }
    }
}
