//! Signals through Redis: one listening connection a process, whatever the number of its listeners.

use std::time::Duration;

use domain::event::Event;
use futures_util::StreamExt;
use redis::{AsyncCommands, Client, Msg, RedisError, aio::ConnectionManager};
use tokio::{
    sync::broadcast,
    time::{sleep, timeout},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::BUFFER;
use crate::Error;

/// Name of the Redis channel.
const CHANNEL: &str = "pb1:events";
/// Longest that a publisher waits.
const PATIENCE: Duration = Duration::from_millis(500);
/// Longest that the listener waits for Redis to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Silence after which the listener asks whether Redis is still there: a connection may be dead without telling.
const SILENCE: Duration = Duration::from_secs(10);
/// Wait between two tries to listen.
const BACKOFF: Duration = Duration::from_millis(500);

/// Publishes, and hands on to its listeners what Redis tells.
pub struct RedisSignal {
    manager: ConnectionManager,
    heard: broadcast::Sender<Event>,
    /// Ends the listener with the last clone of the signal.
    _listener: DropGuard,
}

/// Why listening ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("Redis refused")]
    Redis(#[from] RedisError),
    #[error("Redis closed the connection")]
    Closed,
    #[error("Redis did not answer in time")]
    Silent(#[from] tokio::time::error::Elapsed),
}

// === impl RedisSignal ===

impl RedisSignal {
    /// Starts to listen, on the runtime of the caller.
    pub(super) fn start(client: Client, manager: ConnectionManager) -> Self {
        let (heard, _) = broadcast::channel(BUFFER);
        let cancel = CancellationToken::new();
        TaskTracker::new()
            .spawn(cancel.clone().run_until_cancelled_owned(listen(client, heard.clone())));
        Self { manager, heard, _listener: cancel.drop_guard() }
    }

    pub(super) async fn publish(&self, event: &Event) {
        let text = serde_json::to_string(event).expect("events are plain data");
        let mut manager = self.manager.clone();
        let sent = timeout(PATIENCE, manager.publish::<_, _, i64>(CHANNEL, text)).await;
        if !matches!(sent, Ok(Ok(_))) {
            tracing::warn!("A signal could not be sent; others will find out by themselves");
        }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.heard.subscribe()
    }

    pub(super) async fn health(&self) -> Result<(), Error> {
        let mut manager = self.manager.clone();
        let ping = timeout(PATIENCE, manager.ping::<String>());
        ping.await.map_err(|_| Error::Timeout)?.map(drop).map_err(Error::Redis)
    }
}

async fn listen(client: Client, heard: broadcast::Sender<Event>) {
    loop {
        let ended = attend(&client, &heard).await;
        tracing::warn!(
            error = &ended as &dyn std::error::Error,
            "Signals cannot be heard, listening again"
        );
        sleep(BACKOFF).await;
    }
}

/// Listens until something goes wrong.
async fn attend(client: &Client, heard: &broadcast::Sender<Event>) -> Ended {
    let listening = async {
        let (mut sink, mut messages) = timeout(ANSWER, client.get_async_pubsub()).await??.split();
        timeout(ANSWER, sink.subscribe(CHANNEL)).await??;
        loop {
            match timeout(SILENCE, messages.next()).await {
                Ok(Some(message)) => tell(&message, heard),
                Ok(None) => return Err::<(), _>(Ended::Closed),
                Err(_) => timeout(ANSWER, sink.ping::<redis::Value>()).await?.map(drop)?,
            }
        }
    };
    listening.await.err().unwrap_or(Ended::Closed)
}

fn tell(message: &Msg, heard: &broadcast::Sender<Event>) {
    let Ok(event) = serde_json::from_slice(message.get_payload_bytes()) else {
        // A newer version may say more than this one knows.
        tracing::debug!("An event of an unknown kind was passed over");
        return;
    };
    // An error means that nobody listens in this process.
    let _ = heard.send(event);
}
