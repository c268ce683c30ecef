//! What is written beside the requests: audit entries of MCP calls and "last used" of API keys, in batches, by one task.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use domain::{
    ApiKeyId, Granted, SystemReason, TenantId,
    authz::{
        Permission,
        permission::{ApiKeyWrite, AuditWrite},
    },
};
use store::{NewAudit, Store};
use telemetry::Metrics;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

/// Most lines that one round takes out of the buffer.
const BATCH: usize = 500;
/// How long a first line waits for others to share its transaction.
const GATHER: Duration = Duration::from_millis(200);
/// A key's "last used" is written at most this often.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// The writing end.
pub(crate) struct Journal {
    lines: mpsc::Sender<Line>,
    lost: Lost,
    touched: moka::sync::Cache<ApiKeyId, ()>,
}

/// Entries that were not written.
#[derive(Clone)]
struct Lost {
    count: Arc<AtomicU64>,
    metrics: Metrics,
}

enum Line {
    Call(TenantId, Box<NewAudit>),
    KeyUsed(TenantId, ApiKeyId, DateTime<Utc>),
    Flush(oneshot::Sender<()>),
}

/// What one transaction of one tenant writes.
#[derive(Default)]
struct Batch {
    calls: Vec<NewAudit>,
    used: HashMap<ApiKeyId, DateTime<Utc>>,
}

// === impl Lost ===

impl Lost {
    /// Counts and gives how many there were before.
    fn add(&self, count: u64) -> u64 {
        self.metrics.audit_dropped(count);
        self.count.fetch_add(count, Ordering::Relaxed)
    }
}

// === impl Journal ===

impl Journal {
    /// Starts the task. It ends, after writing what is left, when the journal is dropped.
    pub(crate) fn start(store: Store, metrics: Metrics, buffer: usize) -> Self {
        let (lines, received) = mpsc::channel(buffer.max(1));
        let lost = Lost { count: Arc::new(AtomicU64::new(0)), metrics };
        TaskTracker::new().spawn(write_all(store, received, lost.clone()));
        let touched =
            moka::sync::Cache::builder().max_capacity(100_000).time_to_live(TOUCH_EVERY).build();
        Self { lines, lost, touched }
    }

    pub(crate) fn call(&self, tenant: TenantId, entry: NewAudit) {
        if self.lines.try_send(Line::Call(tenant, Box::new(entry))).is_err() {
            let before = self.lost.add(1);
            if before.is_power_of_two() || before == 0 {
                tracing::error!(
                    audit.dropped = before + 1,
                    "The audit buffer is full: entries of MCP calls are lost"
                );
            }
        }
    }

    pub(crate) fn key_used(&self, tenant: TenantId, key: ApiKeyId, at: DateTime<Utc>) {
        let entry = self.touched.entry(key).or_insert(());
        // A full buffer loses a "last used" of a minute at most: the next use writes it again.
        if entry.is_fresh() && self.lines.try_send(Line::KeyUsed(tenant, key, at)).is_err() {
            self.touched.invalidate(&key);
        }
    }

    /// Returns when everything noted before the call is written or counted as dropped.
    pub(crate) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.lines.send(Line::Flush(done)).await.is_ok() {
            // An error means that the task is gone with its runtime: there is nothing left to wait for.
            let _ = written.await;
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.lost.count.load(Ordering::Relaxed)
    }
}

async fn write_all(store: Store, mut received: mpsc::Receiver<Line>, lost: Lost) {
    let mut lines = Vec::with_capacity(BATCH);
    while received.recv_many(&mut lines, BATCH).await > 0 {
        let flushing = lines.iter().any(|line| matches!(line, Line::Flush(_)));
        if !flushing && lines.len() < BATCH {
            tokio::time::sleep(GATHER).await;
            while lines.len() < BATCH
                && let Ok(line) = received.try_recv()
            {
                lines.push(line);
            }
        }
        write_round(&store, std::mem::take(&mut lines), &lost).await;
    }
}

/// Writes one round, one transaction for each tenant, and answers those who wait for it.
async fn write_round(store: &Store, lines: Vec<Line>, lost: &Lost) {
    let mut batches: HashMap<TenantId, Batch> = HashMap::new();
    let mut waiting = Vec::new();
    for line in lines {
        match line {
            Line::Call(tenant, entry) => batches.entry(tenant).or_default().calls.push(*entry),
            Line::KeyUsed(tenant, key, at) => {
                batches.entry(tenant).or_default().used.insert(key, at);
            }
            Line::Flush(done) => waiting.push(done),
        }
    }
    for (tenant, batch) in batches {
        let calls = batch.calls.len() as u64;
        if let Err(error) = write_batch(store, tenant, batch).await {
            lost.add(calls);
            tracing::error!(
                error = &error as &dyn std::error::Error,
                audit.lost = calls,
                "Audit entries of MCP calls could not be written"
            );
        }
    }
    for done in waiting {
        // Whoever waited may have given up.
        let _ = done.send(());
    }
}

async fn write_batch(store: &Store, tenant: TenantId, batch: Batch) -> Result<(), store::Error> {
    let auditing: Granted<AuditWrite> = granted(tenant);
    let tx = store.begin(&auditing).await?;
    if !batch.calls.is_empty() {
        tx.audit().append_many(&auditing, batch.calls).await?;
    }
    if !batch.used.is_empty() {
        let keys: Granted<ApiKeyWrite> = granted(tenant);
        for (key, at) in batch.used {
            tx.api_keys().touch_used(&keys, key, at).await?;
        }
    }
    tx.commit().await
}

fn granted<P: Permission>(tenant: TenantId) -> Granted<P> {
    Granted::system(SystemReason::RecordAudit, tenant, "journal")
}
