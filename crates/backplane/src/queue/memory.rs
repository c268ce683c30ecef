//! The queue inside one process. A stop loses its rings, and the sweeper of the next start rings again.

use std::sync::Arc;

use domain::{JobId, job::Lane};
use tokio::sync::{
    Mutex, OwnedSemaphorePermit, Semaphore,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use super::{Delivery, Receipt};

type Ring = (JobId, Option<String>);

/// One channel a lane. Rings are few and small: a job's id each, as many as rows that are due.
#[derive(Clone)]
pub struct MemoryQueue {
    interactive: Channel,
    bulk: Channel,
    delivery: Channel,
}

#[derive(Clone)]
struct Channel {
    sender: UnboundedSender<Ring>,
    receiver: Arc<Mutex<UnboundedReceiver<Ring>>>,
}

/// Rings of one lane.
pub struct MemoryDeliveries {
    channel: Channel,
    /// One permit for each ring that may be out without an acknowledgement.
    prefetch: Arc<Semaphore>,
}

/// A ring that is out. It goes back when this is dropped without an acknowledgement: its worker panicked.
pub(super) struct MemoryReceipt {
    ring: Option<Ring>,
    back: UnboundedSender<Ring>,
    _permit: OwnedSemaphorePermit,
}

// === impl MemoryQueue ===

impl MemoryQueue {
    pub(super) fn new() -> Self {
        Self { interactive: Channel::new(), bulk: Channel::new(), delivery: Channel::new() }
    }

    pub(super) fn ring(&self, lane: Lane, job: JobId, traceparent: Option<&str>) {
        self.channel(lane).send((job, traceparent.map(str::to_owned)));
    }

    pub(super) fn consume(&self, lane: Lane, prefetch: u16) -> MemoryDeliveries {
        // As with a broker, 0 means no bound.
        let permits = if prefetch == 0 { Semaphore::MAX_PERMITS } else { prefetch.into() };
        MemoryDeliveries {
            channel: self.channel(lane).clone(),
            prefetch: Arc::new(Semaphore::new(permits)),
        }
    }

    fn channel(&self, lane: Lane) -> &Channel {
        match lane {
            Lane::Interactive => &self.interactive,
            Lane::Bulk => &self.bulk,
            Lane::Delivery => &self.delivery,
        }
    }
}

// === impl Channel ===

impl Channel {
    fn new() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self { sender, receiver: Arc::new(Mutex::new(receiver)) }
    }

    fn send(&self, ring: Ring) {
        self.sender.send(ring).expect("the channel holds its own receiver");
    }
}

// === impl MemoryDeliveries ===

impl MemoryDeliveries {
    pub(super) async fn next(&mut self) -> Option<Delivery> {
        let permit = Arc::clone(&self.prefetch).acquire_owned().await.ok()?;
        let (job, traceparent) = self.channel.receiver.lock().await.recv().await?;
        let receipt = MemoryReceipt {
            ring: Some((job, traceparent.clone())),
            back: self.channel.sender.clone(),
            _permit: permit,
        };
        Some(Delivery { job, traceparent, receipt: Receipt::Memory(receipt) })
    }
}

// === impl MemoryReceipt ===

impl MemoryReceipt {
    pub(super) fn ack(mut self) {
        self.ring = None;
    }

    pub(super) fn requeue(self) {
        drop(self);
    }
}

impl Drop for MemoryReceipt {
    fn drop(&mut self) {
        if let Some(ring) = self.ring.take() {
            // Fails only when the queue itself is gone, and then nobody listens any more.
            let _ = self.back.send(ring);
        }
    }
}
