//! Hints between the roles that something changed. Who misses one finds out by itself a little later.

use std::{pin::Pin, time::Duration};

use domain::event::Event;
use futures_util::{Stream, StreamExt, stream};
use redis::{AsyncCommands, Client, aio::ConnectionManager};
use tokio::{sync::broadcast, time::timeout};
use tokio_stream::wrappers::BroadcastStream;

use crate::{CacheConfig, Error, cache_client, cache_manager};

/// Name of the Redis channel.
const CHANNEL: &str = "pb1:events";
/// Events that a slow listener may be behind before it misses some.
const BUFFER: usize = 1024;
/// Longest that a publisher waits.
const PATIENCE: Duration = Duration::from_millis(500);
/// Wait between two tries to listen.
const BACKOFF: Duration = Duration::from_millis(500);

/// A bus of events. Clones share it.
#[derive(Clone)]
pub enum Signal {
    /// Inside this process.
    Memory(broadcast::Sender<Event>),
    /// Through Redis.
    Redis { client: Client, manager: ConnectionManager },
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
        reason = "part of the contract of every wire: opening may need I/O"
    )]
    pub async fn connect(config: &CacheConfig) -> Result<Self, Error> {
        if config.url.starts_with("memory:") {
            return Ok(Self::Memory(broadcast::channel(BUFFER).0));
        }
        let client = cache_client(&config.url)?;
        Ok(Self::Redis { client, manager: cache_manager(&config.url)? })
    }

    /// Tells everybody who listens now. A failure is logged and not more: a signal is only a hint.
    pub async fn publish(&self, event: &Event) {
        match self {
            // An error means that nobody listens.
            Self::Memory(sender) => drop(sender.send(event.clone())),
            Self::Redis { manager, .. } => {
                let text = serde_json::to_string(event).expect("events are plain data");
                let mut manager = manager.clone();
                let sent = timeout(PATIENCE, manager.publish::<_, _, i64>(CHANNEL, text)).await;
                if !matches!(sent, Ok(Ok(_))) {
                    tracing::warn!(
                        "A signal could not be sent; others will find out by themselves"
                    );
                }
            }
        }
    }

    /// Events from now on. Goes on through an outage of Redis, without what was sent meanwhile.
    pub fn subscribe(&self) -> Events {
        match self {
            Self::Memory(sender) => BroadcastStream::new(sender.subscribe())
                .filter_map(|event| std::future::ready(event.ok()))
                .boxed(),
            Self::Redis { client, .. } => listen(client.clone()),
        }
    }

    /// Whether signals would arrive now.
    ///
    /// # Errors
    /// What is wrong with Redis.
    pub async fn health(&self) -> Result<(), Error> {
        let Self::Redis { manager, .. } = self else { return Ok(()) };
        let mut manager = manager.clone();
        let ping = timeout(PATIENCE, manager.ping::<String>());
        ping.await.map_err(|_| Error::Timeout)?.map(drop).map_err(Error::Redis)
    }
}

fn listen(client: Client) -> Events {
    let connection: Option<Events> = None;
    stream::unfold((client, connection), |(client, mut connection)| async move {
        loop {
            match &mut connection {
                Some(events) => match events.next().await {
                    Some(event) => return Some((event, (client, connection))),
                    None => connection = None,
                },
                None => match attach(&client).await {
                    Ok(events) => connection = Some(events),
                    Err(error) => {
                        tracing::warn!(%error, "Redis cannot be listened to, trying again");
                        tokio::time::sleep(BACKOFF).await;
                    }
                },
            }
        }
    })
    .boxed()
}

async fn attach(client: &Client) -> redis::RedisResult<Events> {
    let mut connection = client.get_async_pubsub().await?;
    connection.subscribe(CHANNEL).await?;
    let events = connection.into_on_message().filter_map(|message| {
        let event = serde_json::from_slice(message.get_payload_bytes());
        if event.is_err() {
            // A newer version may say more than this one knows.
            tracing::debug!("An event of an unknown kind was passed over");
        }
        std::future::ready(event.ok())
    });
    Ok(events.boxed())
}
