//! What is written beside the requests: audit entries of MCP calls and "last used" of API keys, in batches, by one task.
//!
//! Nothing is lost in silence. A call takes its place in the buffer before it is served; where there is none, the rule of its
//! organisation applies: refuse it, or serve it and count it. What was counted is written into the log as a gap. A database
//! that is away is waited for.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use domain::{
    ApiKeyId, AuditId, AuditOutcome, Granted, Principal, SystemReason, TenantId,
    audit::{AuditSettings, Overload},
    authz::{
        Permission,
        permission::{ApiKeyWrite, AuditWrite},
    },
};
use serde_json::json;
use store::{NewAudit, Store};
use telemetry::Metrics;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::task::TaskTracker;

use crate::{Clock, audit::action};

/// Most lines that one round takes out of the buffer.
const BATCH: usize = 500;
/// How long a first line waits for others to share its transaction.
const GATHER: Duration = Duration::from_millis(200);
/// A key's "last used" is written at most this often.
const TOUCH_EVERY: Duration = Duration::from_mins(1);
/// First and longest wait before a batch that the database did not take is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(100);
const TRY_AGAIN_MAX: Duration = Duration::from_secs(2);
/// How long a stopping process waits for a database that is away.
const LAST_PATIENCE: Duration = Duration::from_secs(5);
const REQUEST_ID: &str = "journal";

/// The writing end.
pub(crate) struct Journal {
    lines: mpsc::Sender<Line>,
    lost: Lost,
    touched: moka::sync::Cache<ApiKeyId, ()>,
    /// What organisations want of their logs, as of their last routes: no call waits for a database.
    settings: Mutex<HashMap<TenantId, AuditSettings>>,
    /// Somebody waits for the end and the database does not come back.
    hurry: Arc<AtomicBool>,
}

/// A place in the buffer, kept for the entry of one call. Dropped without an entry, it is free again.
#[derive(Debug)]
pub struct CallSlot(mpsc::OwnedPermit<Line>);

/// Entries that were not written.
#[derive(Clone)]
struct Lost {
    count: Arc<AtomicU64>,
    metrics: Metrics,
    /// What the log is still to be told.
    gaps: Arc<Mutex<HashMap<TenantId, Gap>>>,
    clock: Clock,
}

/// Calls in a row that have no entry.
#[derive(Debug, Clone, Copy)]
struct Gap {
    calls: u64,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

#[derive(Debug)]
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
    gap: Option<Gap>,
}

// === impl Lost ===

impl Lost {
    /// Counts, and keeps for the log, that a call has no entry.
    fn add(&self, tenant: TenantId, calls: u64) {
        self.metrics.audit_dropped(calls);
        let before = self.count.fetch_add(calls, Ordering::Relaxed);
        let now = self.clock.now();
        let mut gaps = self.gaps.lock().unwrap_or_else(PoisonError::into_inner);
        let gap = gaps.entry(tenant).or_insert(Gap { calls: 0, from: now, until: now });
        gap.calls += calls;
        gap.until = now;
        if before.is_power_of_two() || before == 0 {
            tracing::error!(
                audit.dropped = before + calls,
                "The audit log does not keep up: calls are served without an entry"
            );
        }
    }

    /// Takes what the logs are still to be told.
    fn take_gaps(&self) -> HashMap<TenantId, Gap> {
        std::mem::take(&mut *self.gaps.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

// === impl Gap ===

impl Gap {
    fn entry(self) -> NewAudit {
        NewAudit {
            id: AuditId::generate(),
            at: self.until,
            actor: Principal::System(SystemReason::RecordAudit).to_string(),
            action: action::AUDIT_GAP.as_str().to_owned(),
            target: None,
            outcome: AuditOutcome::Failed,
            request_id: REQUEST_ID.to_owned(),
            detail: json!({ "calls": self.calls, "from": self.from, "until": self.until }),
        }
    }
}

// === impl Journal ===

impl Journal {
    /// Starts the task. It ends, after writing what is left, when the journal is dropped.
    pub(crate) fn start(store: Store, metrics: Metrics, clock: Clock, buffer: usize) -> Self {
        let (lines, received) = mpsc::channel(buffer.max(1));
        let count = Arc::new(AtomicU64::new(0));
        let lost = Lost { count, metrics, gaps: Arc::default(), clock };
        let hurry = Arc::new(AtomicBool::new(false));
        let writer = Writer { store, lost: lost.clone(), hurry: Arc::clone(&hurry) };
        TaskTracker::new().spawn(writer.write_all(received));
        let touched =
            moka::sync::Cache::builder().max_capacity(100_000).time_to_live(TOUCH_EVERY).build();
        Self { lines, lost, touched, settings: Mutex::default(), hurry }
    }

    /// A place for the entry of a call that is about to be served; `None` when the buffer is full.
    pub(crate) fn reserve(&self) -> Option<CallSlot> {
        self.lines.clone().try_reserve_owned().ok().map(CallSlot)
    }

    /// Says that a call of this organisation was served without an entry.
    pub(crate) fn missed(&self, tenant: TenantId) {
        self.lost.add(tenant, 1);
    }

    /// Keeps what an organisation wants of its log.
    pub(crate) fn keep_settings(&self, tenant: TenantId, settings: AuditSettings) {
        let mut known = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(tenant, settings);
    }

    /// What an organisation wants, as far as this process has heard.
    pub(crate) fn settings(&self, tenant: TenantId) -> AuditSettings {
        let known = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&tenant).cloned().unwrap_or_default()
    }

    /// What happens to calls of an organisation that find no place.
    pub(crate) fn overload(&self, tenant: TenantId, usual: Overload) -> Overload {
        let known = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&tenant).and_then(|it| it.overload).unwrap_or(usual)
    }

    pub(crate) fn key_used(&self, tenant: TenantId, key: ApiKeyId, at: DateTime<Utc>) {
        let entry = self.touched.entry(key).or_insert(());
        // A full buffer loses a "last used" of a minute at most: the next use writes it again.
        if entry.is_fresh() && self.lines.try_send(Line::KeyUsed(tenant, key, at)).is_err() {
            self.touched.invalidate(&key);
        }
    }

    /// Returns when everything noted before the call is written, or counted as lost because the database did not come back.
    pub(crate) async fn flush(&self) {
        let (done, mut written) = oneshot::channel();
        let finish = async {
            // An error means that the task is gone with its runtime: there is nothing left to wait for.
            if self.lines.send(Line::Flush(done)).await.is_ok() {
                let _ = (&mut written).await;
            }
        };
        let mut finish = std::pin::pin!(finish);
        if timeout(LAST_PATIENCE, &mut finish).await.is_err() {
            self.hurry.store(true, Ordering::Relaxed);
            finish.await;
            self.hurry.store(false, Ordering::Relaxed);
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.lost.count.load(Ordering::Relaxed)
    }
}

// === impl CallSlot ===

impl CallSlot {
    pub(crate) fn fill(self, tenant: TenantId, entry: NewAudit) {
        self.0.send(Line::Call(tenant, Box::new(entry)));
    }
}

/// The task that writes.
struct Writer {
    store: Store,
    lost: Lost,
    hurry: Arc<AtomicBool>,
}

// === impl Writer ===

impl Writer {
    async fn write_all(self, mut received: mpsc::Receiver<Line>) {
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
            self.write_round(std::mem::take(&mut lines)).await;
        }
    }

    /// Writes one round, one transaction for each tenant, and answers those who wait for it.
    async fn write_round(&self, lines: Vec<Line>) {
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
        for (tenant, gap) in self.lost.take_gaps() {
            batches.entry(tenant).or_default().gap = Some(gap);
        }
        for (tenant, batch) in batches {
            self.write_until_written(tenant, batch).await;
        }
        for done in waiting {
            // Whoever waited may have given up.
            let _ = done.send(());
        }
    }

    /// Tries until the database takes it. Meanwhile the buffer fills, and calls that find no place are dealt with by the rule.
    async fn write_until_written(&self, tenant: TenantId, batch: Batch) {
        let mut wait = TRY_AGAIN;
        loop {
            let Err(error) = write_batch(&self.store, tenant, &batch).await else { return };
            let passing = matches!(error, store::Error::Database(_) | store::Error::Busy);
            if !passing || self.hurry.load(Ordering::Relaxed) {
                let calls = batch.calls.len() as u64 + batch.gap.map_or(0, |gap| gap.calls);
                self.lost.metrics.audit_dropped(batch.calls.len() as u64);
                self.lost.count.fetch_add(batch.calls.len() as u64, Ordering::Relaxed);
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    audit.lost = calls,
                    tenant.id = %tenant,
                    "Audit entries of MCP calls could not be written"
                );
                return;
            }
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                audit.waiting = batch.calls.len(),
                "Audit entries of MCP calls wait for the database"
            );
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(TRY_AGAIN_MAX);
        }
    }
}

async fn write_batch(store: &Store, tenant: TenantId, batch: &Batch) -> Result<(), store::Error> {
    let auditing: Granted<AuditWrite> = granted(tenant);
    let tx = store.begin(&auditing).await?;
    let entries = batch.calls.iter().cloned().chain(batch.gap.map(Gap::entry));
    tx.audit().append_many(&auditing, entries.collect()).await?;
    if !batch.used.is_empty() {
        let keys: Granted<ApiKeyWrite> = granted(tenant);
        for (key, at) in &batch.used {
            tx.api_keys().touch_used(&keys, *key, *at).await?;
        }
    }
    tx.commit().await
}

fn granted<P: Permission>(tenant: TenantId) -> Granted<P> {
    Granted::system(SystemReason::RecordAudit, tenant, REQUEST_ID)
}
