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
use tokio::{sync::Mutex, time::timeout};

use self::topology::Names;
use super::{Delivery, Receipt};
use crate::Error;

/// Longest that a caller waits for the broker: a mutation must not hang because of it.
const PATIENCE: Duration = Duration::from_secs(3);
/// Waits between two tries to reach the broker.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LAST_BACKOFF: Duration = Duration::from_secs(5);

/// Publishes over one connection, which is made again when it breaks.
#[derive(Clone)]
pub struct RabbitQueue(Arc<Link>);

struct Link {
    uri: AMQPUri,
    names: Names,
    publishing: Mutex<Option<Open>>,
}

/// A connection with one channel on it; dropping it closes both.
struct Open {
    channel: Channel,
    _connection: Connection,
}

/// Rings of one lane, over a connection of their own.
pub struct RabbitDeliveries {
    link: Arc<Link>,
    lane: Lane,
    prefetch: u16,
    listening: Option<(Open, Consumer)>,
}

pub(super) struct RabbitReceipt(Message);

// === impl RabbitQueue ===

impl RabbitQueue {
    pub(super) fn new(uri: AMQPUri, prefix: &str) -> Self {
        Self(Arc::new(Link { uri, names: Names::new(prefix), publishing: Mutex::default() }))
    }

    pub(super) async fn ring(
        &self,
        lane: Lane,
        job: JobId,
        traceparent: Option<&str>,
    ) -> Result<(), Error> {
        let ring = self.0.ring(lane, job, traceparent);
        timeout(PATIENCE, ring).await.map_err(|_| Error::Timeout)?
    }

    pub(super) fn consume(&self, lane: Lane, prefetch: u16) -> RabbitDeliveries {
        RabbitDeliveries { link: Arc::clone(&self.0), lane, prefetch, listening: None }
    }

    pub(super) async fn health(&self) -> Result<(), Error> {
        let check = async { self.0.channel().await.map(drop) };
        timeout(PATIENCE, check).await.map_err(|_| Error::Timeout)?
    }
}

// === impl Link ===

impl Link {
    /// Publishes; a connection that turns out to be dead is replaced once.
    async fn ring(&self, lane: Lane, job: JobId, traceparent: Option<&str>) -> Result<(), Error> {
        let channel = self.channel().await?;
        match self.publish(&channel, lane, job, traceparent).await {
            Err(Error::Rabbit(_)) => {
                self.publishing.lock().await.take();
                let channel = self.channel().await?;
                self.publish(&channel, lane, job, traceparent).await
            }
            outcome => outcome,
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

    /// The publishing channel, opened if there is none that works.
    async fn channel(&self) -> Result<Channel, Error> {
        let mut publishing = self.publishing.lock().await;
        if let Some(open) = publishing.as_ref()
            && open.channel.status().connected()
        {
            return Ok(open.channel.clone());
        }
        let open = self.open().await?;
        open.channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .map_err(Error::Rabbit)?;
        let channel = open.channel.clone();
        *publishing = Some(open);
        Ok(channel)
    }

    /// A fresh connection on which every queue is declared, so that a broker that lost them gets them again.
    async fn open(&self) -> Result<Open, Error> {
        let properties = ConnectionProperties::default().with_connection_name("patchbay".into());
        let connection =
            Connection::connect_uri(self.uri.clone(), properties).await.map_err(Error::Rabbit)?;
        let channel = connection.create_channel().await.map_err(Error::Rabbit)?;
        self.names.declare(&channel).await.map_err(Error::Rabbit)?;
        Ok(Open { channel, _connection: connection })
    }
}

// === impl RabbitDeliveries ===

impl RabbitDeliveries {
    pub(super) async fn next(&mut self) -> Delivery {
        let mut backoff = FIRST_BACKOFF;
        loop {
            let Some((_, consumer)) = &mut self.listening else {
                match self.listen().await {
                    Ok(listening) => {
                        self.listening = Some(listening);
                        backoff = FIRST_BACKOFF;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "RabbitMQ cannot be reached, trying again");
                        tokio::time::sleep(backoff).await;
                        backoff = (backoff * 2).min(LAST_BACKOFF);
                    }
                }
                continue;
            };
            match consumer.next().await {
                Some(Ok(message)) => {
                    if let Some(delivery) = accept(message).await {
                        return delivery;
                    }
                }
                Some(Err(_)) | None => {
                    self.listening = None;
                }
            }
        }
    }

    async fn listen(&self) -> Result<(Open, Consumer), Error> {
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
        Ok((open, consumer))
    }
}

/// Reads a message. One that is no ring goes to the dead letters, where an operator can look at it.
async fn accept(message: Message) -> Option<Delivery> {
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
    Some(Delivery { job, traceparent, receipt: Receipt::Rabbit(RabbitReceipt(message)) })
}

// === impl RabbitReceipt ===

impl RabbitReceipt {
    pub(super) async fn ack(self) {
        if let Err(error) = self.0.acker.ack(BasicAckOptions::default()).await {
            // The connection broke: the ring comes again, finds nothing to claim and is dropped.
            tracing::debug!(%error, "A ring could not be acknowledged");
        }
    }

    pub(super) async fn requeue(self) {
        let options = BasicNackOptions { requeue: true, multiple: false };
        if let Err(error) = self.0.acker.nack(options).await {
            tracing::debug!(%error, "A ring could not be given back");
        }
    }
}
