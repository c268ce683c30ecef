//! The queue at a RabbitMQ broker: durable quorum queues, confirmed publishing, manual acknowledgement, own reconnection.

mod topology;

use std::{sync::Arc, time::Duration};

use domain::{JobId, job::Lane};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer,
    message::Delivery as Message,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicPublishOptions,
        BasicQosOptions, BasicRejectOptions, ConfirmSelectOptions,
    },
    types::{AMQPValue, FieldTable},
    uri::AMQPUri,
};
use telemetry::propagate::TRACEPARENT;
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use self::topology::Names;
use super::{Delivery, Receipt};
use crate::Error;

/// Longest that a caller waits for the broker: a mutation must not hang because of it.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longest that opening a connection with all its queues may take, when nobody waits for it.
const OPENING: Duration = Duration::from_secs(15);
/// Seconds of silence that both sides agree on; after two of them a connection counts as dead.
const HEARTBEAT: u16 = 10;
/// Tries of one ring, each on a connection that was not seen to fail.
const TRIES: u32 = 3;
/// Wait before a queue that somebody deleted is declared again. RabbitMQ 3.10 tells its listeners of the deletion a moment later,
/// and one that finds a new queue of the same name by then loses a message that is delivered to it.
const REDECLARE_AFTER: Duration = Duration::from_millis(300);
/// Waits between two tries to reach the broker.
const FIRST_BACKOFF: Duration = Duration::from_millis(300);
const LAST_BACKOFF: Duration = Duration::from_secs(5);

/// Publishes over one connection, which is made again when it breaks.
#[derive(Clone)]
pub struct RabbitQueue(Arc<Link>);

struct Link {
    uri: AMQPUri,
    names: Names,
    publishing: Mutex<Option<Arc<Open>>>,
}

/// A connection with one channel on it; dropping it closes both.
struct Open {
    channel: Channel,
    connection: Connection,
}

/// Rings of one lane, over a connection of their own.
pub struct RabbitDeliveries {
    link: Arc<Link>,
    lane: Lane,
    prefetch: u16,
    listening: Option<(Arc<Open>, Consumer)>,
    /// Wait before the next try to listen; none before the first.
    backoff: Option<Duration>,
}

/// What acknowledges a ring. It keeps the connection, so that a worker that takes no more can still finish what it has.
pub(super) struct RabbitReceipt {
    message: Message,
    _open: Arc<Open>,
}

// === impl RabbitQueue ===

impl RabbitQueue {
    pub(super) fn new(mut uri: AMQPUri, prefix: &str) -> Self {
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        Self(Arc::new(Link { uri, names: Names::new(prefix), publishing: Mutex::default() }))
    }

    pub(super) async fn ring(
        &self,
        lane: Lane,
        job: JobId,
        traceparent: Option<&str>,
    ) -> Result<(), Error> {
        let ring = self.0.ring(lane, job, traceparent);
        if let Ok(outcome) = timeout(PATIENCE, ring).await {
            return outcome;
        }
        // A broker that takes connections but does not answer, or a network that is only half open: start over next time.
        if let Ok(mut publishing) = self.0.publishing.try_lock() {
            publishing.take();
        }
        Err(Error::Timeout)
    }

    pub(super) fn consume(&self, lane: Lane, prefetch: u16) -> RabbitDeliveries {
        let link = Arc::clone(&self.0);
        RabbitDeliveries { link, lane, prefetch, listening: None, backoff: None }
    }

    pub(super) async fn health(&self) -> Result<(), Error> {
        let check = async { self.0.publisher().await.map(drop) };
        timeout(PATIENCE, check).await.map_err(|_| Error::Timeout)?
    }
}

// === impl Link ===

impl Link {
    /// Publishes, on a new connection when the last one turns out to be dead or the broker to have lost the queue.
    async fn ring(&self, lane: Lane, job: JobId, traceparent: Option<&str>) -> Result<(), Error> {
        let mut tries = 1;
        loop {
            let open = self.publisher().await?;
            let failure = match self.publish(&open.channel, lane, job, traceparent).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            self.discard(&open).await;
            if tries == TRIES {
                return Err(failure);
            }
            if matches!(failure, Error::Refused) {
                sleep(REDECLARE_AFTER).await;
            }
            tries += 1;
        }
    }

    async fn publish(
        &self,
        channel: &Channel,
        lane: Lane,
        job: JobId,
        traceparent: Option<&str>,
    ) -> Result<(), Error> {
        let mut headers = FieldTable::default();
        if let Some(traceparent) = traceparent {
            headers.insert(TRACEPARENT.into(), AMQPValue::LongString(traceparent.into()));
        }
        let persistent = 2;
        let properties =
            BasicProperties::default().with_delivery_mode(persistent).with_headers(headers);
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let confirmation = channel
            .basic_publish(
                "".into(),
                self.names.lane(lane).into(),
                options,
                job.to_string().as_bytes(),
                properties,
            )
            .await
            .map_err(Error::Rabbit)?
            .await
            .map_err(Error::Rabbit)?;
        match confirmation {
            Confirmation::Ack(None) => Ok(()),
            _ => Err(Error::Refused),
        }
    }

    /// What is published on, opened if there is none that works.
    async fn publisher(&self) -> Result<Arc<Open>, Error> {
        let mut publishing = self.publishing.lock().await;
        if let Some(open) = publishing.as_ref()
            && open.is_alive()
        {
            return Ok(Arc::clone(open));
        }
        let open = self.open().await?;
        open.channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .map_err(Error::Rabbit)?;
        let open = Arc::new(open);
        *publishing = Some(Arc::clone(&open));
        Ok(open)
    }

    /// Forgets a connection that failed, unless somebody else has replaced it meanwhile.
    async fn discard(&self, failed: &Arc<Open>) {
        let mut publishing = self.publishing.lock().await;
        publishing.take_if(|open| Arc::ptr_eq(open, failed));
    }

    /// A fresh connection on which every queue is declared, so that a broker that lost them gets them again.
    async fn open(&self) -> Result<Open, Error> {
        let properties = ConnectionProperties::default().with_connection_name("patchbay".into());
        let connection =
            Connection::connect_uri(self.uri.clone(), properties).await.map_err(Error::Rabbit)?;
        let channel = connection.create_channel().await.map_err(Error::Rabbit)?;
        self.names.declare(&channel).await.map_err(Error::Rabbit)?;
        Ok(Open { channel, connection })
    }
}

// === impl Open ===

impl Open {
    fn is_alive(&self) -> bool {
        self.connection.status().connected() && self.channel.status().connected()
    }
}

// === impl RabbitDeliveries ===

impl RabbitDeliveries {
    /// May be dropped while it waits: what it has reached so far is kept for the next call.
    pub(super) async fn next(&mut self) -> Delivery {
        loop {
            let Some((open, consumer)) = &mut self.listening else {
                self.reconnect().await;
                continue;
            };
            if let Some(Ok(message)) = consumer.next().await {
                self.backoff = None;
                if let Some(delivery) = accept(message, open).await {
                    return delivery;
                }
            } else {
                // Cut, closed by the broker, or cancelled because the queue was deleted.
                tracing::warn!(
                    lane = self.lane.as_str(),
                    "The connection to RabbitMQ broke, connecting anew"
                );
                self.listening = None;
            }
        }
    }

    async fn reconnect(&mut self) {
        if let Some(backoff) = self.backoff {
            sleep(backoff).await;
        }
        // Set before the try: a broker that takes a consumer and throws it out again must not be asked in a tight loop.
        let next = self.backoff.map_or(FIRST_BACKOFF, |backoff| (backoff * 2).min(LAST_BACKOFF));
        self.backoff = Some(next);
        match timeout(OPENING, self.listen()).await.unwrap_or(Err(Error::Timeout)) {
            Ok(listening) => self.listening = Some(listening),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                lane = self.lane.as_str(),
                "RabbitMQ cannot be used, trying again"
            ),
        }
    }

    async fn listen(&self) -> Result<(Arc<Open>, Consumer), Error> {
        let open = self.link.open().await?;
        let channel = &open.channel;
        channel
            .basic_qos(self.prefetch, BasicQosOptions::default())
            .await
            .map_err(Error::Rabbit)?;
        let consumer = channel
            .basic_consume(
                self.link.names.lane(self.lane).into(),
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await
            .map_err(Error::Rabbit)?;
        Ok((Arc::new(open), consumer))
    }
}

/// Reads a message. One that is no ring goes to the dead letters, where an operator can look at it.
async fn accept(message: Message, open: &Arc<Open>) -> Option<Delivery> {
    let job = std::str::from_utf8(&message.data).ok().and_then(|text| text.parse().ok());
    let Some(job) = job else {
        tracing::error!(
            "A message in the job queue is not a job's id and goes to the dead letters"
        );
        let reject = BasicRejectOptions { requeue: false };
        if let Err(error) = message.acker.reject(reject).await {
            tracing::warn!(%error, "A malformed message could not be rejected");
        }
        return None;
    };
    let traceparent = message.properties.headers().as_ref().and_then(|headers| {
        match headers.inner().get(TRACEPARENT)? {
            AMQPValue::LongString(value) => Some(value.to_string()),
            _ => None,
        }
    });
    let receipt = RabbitReceipt { message, _open: Arc::clone(open) };
    Some(Delivery { job, traceparent, receipt: Receipt::Rabbit(Box::new(receipt)) })
}

// === impl RabbitReceipt ===

impl RabbitReceipt {
    pub(super) async fn ack(self) {
        if let Err(error) = self.message.acker.ack(BasicAckOptions::default()).await {
            // The connection broke: the ring comes again, finds nothing to claim and is dropped.
            tracing::debug!(%error, "A ring could not be acknowledged");
        }
    }

    pub(super) async fn requeue(self) {
        let options = BasicNackOptions { requeue: true, multiple: false };
        if let Err(error) = self.message.acker.nack(options).await {
            tracing::debug!(%error, "A ring could not be given back");
        }
    }
}
