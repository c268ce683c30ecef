//! The wires between the roles: a queue that rings workers, a cache that saves work, and signals that something changed.
//!
//! Each is a two-variant enum, in memory or networked, and this is the only crate that knows which. None of them holds the truth:
//! a lost ring is rung again by the sweeper, a lost cache entry is a miss, a lost signal costs seconds.

mod cache;
mod config;
mod queue;
mod signal;

pub use cache::{Cache, CacheKey};
use cache::{client as cache_client, manager as cache_manager};
pub use config::{CacheConfig, QueueConfig};
pub use queue::{Deliveries, Delivery, Queue};
pub use signal::Signal;

/// Why a wire did not work. No message holds an address with a password in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{setting}` must start with {allowed}")]
    Scheme { setting: &'static str, allowed: &'static str },
    #[error("`{setting}` is not an address that can be used")]
    Address { setting: &'static str },
    #[error("RabbitMQ could not be used")]
    Rabbit(#[source] lapin::Error),
    #[error("RabbitMQ did not take the message")]
    Refused,
    #[error("Redis could not be used")]
    Redis(#[source] redis::RedisError),
    #[error("no answer in time")]
    Timeout,
}
