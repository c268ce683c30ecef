//! The queue inside one process. A stop loses its rings, and the sweeper of the next start rings again.

use std::sync::Arc;

use domain::{JobId, job::Lane};
use tokio::sync::{
    Mutex,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use super::{Delivery, Receipt};

type Ring = (JobId, Option<String>);

/// One channel a lane. Rings are few and small: a job's id each, as many as rows that are due.
#[derive(Clone)]
pub struct MemoryQueue {
    interactive: Channel,
    bulk: Channel,
}

#[derive(Clone)]
struct Channel {
    sender: UnboundedSender<Ring>,
    receiver: Arc<Mutex<UnboundedReceiver<Ring>>>,
}

/// Rings of one lane.
pub struct MemoryDeliveries(Channel);

pub(super) struct MemoryReceipt(UnboundedSender<Ring>);

// === impl MemoryQueue ===

impl MemoryQueue {
    pub(super) fn new() -> Self {
        Self { interactive: Channel::new(), bulk: Channel::new() }
    }

    pub(super) fn ring(&self, lane: Lane, job: JobId, traceparent: Option<&str>) {
        self.channel(lane).send((job, traceparent.map(str::to_owned)));
    }

    pub(super) fn consume(&self, lane: Lane) -> MemoryDeliveries {
        MemoryDeliveries(self.channel(lane).clone())
    }

    fn channel(&self, lane: Lane) -> &Channel {
        match lane {
            Lane::Interactive => &self.interactive,
            Lane::Bulk => &self.bulk,
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
        let (job, traceparent) = self.0.receiver.lock().await.recv().await?;
        let receipt = Receipt::Memory(MemoryReceipt(self.0.sender.clone()));
        Some(Delivery { job, traceparent, receipt })
    }
}

// === impl MemoryReceipt ===

impl MemoryReceipt {
    pub(super) fn requeue(self, job: JobId, traceparent: Option<String>) {
        // Fails only when the queue itself is gone, and then nobody listens any more.
        let _ = self.0.send((job, traceparent));
    }
}
