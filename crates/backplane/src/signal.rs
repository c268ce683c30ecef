//! Hints between the roles that something changed. Who misses one finds out by itself a little later.

mod networked;

use std::{pin::Pin, sync::Arc};

use domain::event::Event;
use futures_util::{Stream, StreamExt};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use crate::{CacheConfig, Error, cache_client, cache_manager};

/// Events that a slow listener may be behind before it misses some.
const BUFFER: usize = 1024;

/// A bus of events. Clones share it.
#[derive(Clone)]
pub enum Signal {
    /// Inside this process.
    Memory(broadcast::Sender<Event>),
    /// Through Redis.
    Redis(Arc<networked::RedisSignal>),
}

type Events = Pin<Box<dyn Stream<Item = Event> + Send>>;

// === impl Signal ===

impl Signal {
    /// Opens the bus at the cache's address.
    ///
    /// # Errors
    /// [`Error::Scheme`] or [`Error::Address`]; a Redis that is away now is no error.
    #[expect(
        clippy::unused_async,
        reason = "part of the contract of every wire: the listener needs the runtime that it starts on"
    )]
    pub async fn connect(config: &CacheConfig) -> Result<Self, Error> {
        if config.url.starts_with("memory:") {
            return Ok(Self::Memory(broadcast::channel(BUFFER).0));
        }
        let client = cache_client(&config.url)?;
        let manager = cache_manager(&client)?;
        Ok(Self::Redis(Arc::new(networked::RedisSignal::start(client, manager))))
    }

    /// Tells everybody who listens now. A failure is logged and not more: a signal is only a hint.
    pub async fn publish(&self, event: &Event) {
        match self {
            // An error means that nobody listens.
            Self::Memory(sender) => drop(sender.send(event.clone())),
            Self::Redis(signal) => signal.publish(event).await,
        }
    }

    /// Events from now on. Goes on through an outage of Redis, without what was sent meanwhile.
    pub fn subscribe(&self) -> Events {
        let receiver = match self {
            Self::Memory(sender) => sender.subscribe(),
            Self::Redis(signal) => signal.subscribe(),
        };
        // An error says how many events were missed; the next one leads to the same look at the truth.
        BroadcastStream::new(receiver).filter_map(|event| std::future::ready(event.ok())).boxed()
    }

    /// Whether signals would arrive now.
    ///
    /// # Errors
    /// What is wrong with Redis.
    pub async fn health(&self) -> Result<(), Error> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Redis(signal) => signal.health().await,
        }
    }
}
