//! The doorbell of the workers: a message is only a job's id; the job itself is a row.

mod memory;
mod rabbit;

use std::str::FromStr;

use domain::{JobId, job::Lane};

use crate::{Error, QueueConfig};

/// A queue. Clones share it.
#[derive(Clone)]
pub enum Queue {
    /// Inside this process.
    Memory(memory::MemoryQueue),
    /// At a RabbitMQ broker.
    Rabbit(rabbit::RabbitQueue),
}

/// Rings for one lane, for as long as it is kept.
pub enum Deliveries {
    Memory(memory::MemoryDeliveries),
    Rabbit(Box<rabbit::RabbitDeliveries>),
}

/// One ring. It comes again unless it is acknowledged.
pub struct Delivery {
    pub job: JobId,
    /// W3C `traceparent` of the span that rang.
    pub traceparent: Option<String>,
    receipt: Receipt,
}

enum Receipt {
    Memory(memory::MemoryReceipt),
    Rabbit(Box<rabbit::RabbitReceipt>),
}

// === impl Queue ===

impl Queue {
    /// Opens the queue that the configuration names. A broker that is away now is tried again with every use.
    ///
    /// # Errors
    /// [`Error::Scheme`] or [`Error::Address`] for an address that cannot work.
    pub async fn connect(config: &QueueConfig) -> Result<Self, Error> {
        let url = config.url.as_str();
        if url.starts_with("memory:") {
            return Ok(Self::Memory(memory::MemoryQueue::new()));
        }
        if !url.starts_with("amqp://") && !url.starts_with("amqps://") {
            let allowed = "memory: or amqp:// (amqps:// with TLS)";
            return Err(Error::Scheme { setting: "queue.url", allowed });
        }
        let uri = lapin::uri::AMQPUri::from_str(url)
            .map_err(|_| Error::Address { setting: "queue.url" })?;
        let queue = rabbit::RabbitQueue::new(uri, &config.prefix);
        // Connects now, on the runtime that lives as long as the process, and tells the operator early what is wrong.
        if let Err(error) = queue.health().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "RabbitMQ cannot be used now; trying again with every use"
            );
        }
        Ok(Self::Rabbit(queue))
    }

    /// Announces a job. When this returns, the broker has the message on disk.
    ///
    /// # Errors
    /// Any failure of the broker. The job is not lost: its row is found by the sweeper.
    pub async fn ring(
        &self,
        lane: Lane,
        job: JobId,
        traceparent: Option<&str>,
    ) -> Result<(), Error> {
        match self {
            Self::Memory(queue) => {
                queue.ring(lane, job, traceparent);
                Ok(())
            }
            Self::Rabbit(queue) => queue.ring(lane, job, traceparent).await,
        }
    }

    /// Listens to a lane, with at most `prefetch` rings that are not acknowledged.
    ///
    /// # Errors
    /// None today; a broker that is away is waited for by [`Deliveries::next`].
    #[expect(
        clippy::unused_async,
        reason = "part of the contract of every wire: opening may need I/O"
    )]
    pub async fn consume(&self, lane: Lane, prefetch: u16) -> Result<Deliveries, Error> {
        Ok(match self {
            Self::Memory(queue) => Deliveries::Memory(queue.consume(lane, prefetch)),
            Self::Rabbit(queue) => Deliveries::Rabbit(Box::new(queue.consume(lane, prefetch))),
        })
    }

    /// Whether a ring would reach the queue now.
    ///
    /// # Errors
    /// What is wrong with the broker.
    pub async fn health(&self) -> Result<(), Error> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Rabbit(queue) => queue.health().await,
        }
    }
}

// === impl Deliveries ===

impl Deliveries {
    /// The next ring. Waits through an outage of the broker; `None` only when the queue is gone for good.
    pub async fn next(&mut self) -> Option<Delivery> {
        match self {
            Self::Memory(deliveries) => deliveries.next().await,
            Self::Rabbit(deliveries) => Some(deliveries.next().await),
        }
    }
}

// === impl Delivery ===

impl Delivery {
    /// Takes the ring off the queue: the job is settled, or was not there to claim.
    pub async fn ack(self) {
        match self.receipt {
            Receipt::Memory(receipt) => receipt.ack(),
            Receipt::Rabbit(receipt) => receipt.ack().await,
        }
    }

    /// Gives the ring back, for another worker.
    pub async fn requeue(self) {
        match self.receipt {
            Receipt::Memory(receipt) => receipt.requeue(),
            Receipt::Rabbit(receipt) => receipt.requeue().await,
        }
    }
}
