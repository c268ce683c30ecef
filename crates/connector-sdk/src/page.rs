//! The pages of a sync: what was found, what is gone, and where to go on.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// Where a page starts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SyncStart {
    /// What the last finished run left behind; `None` before the first.
    pub state: Option<Value>,
    /// Where this run is; `None` at its first page.
    pub cursor: Option<Value>,
}

/// One page of a run. The core writes it and its position in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncPage {
    /// New or changed documents.
    pub upserts: Vec<Document>,
    /// Documents known to be gone.
    pub deletes: Vec<DocumentKey>,
    /// Documents that are unchanged and still there: a sweep leaves them alone.
    pub seen: Vec<DocumentKey>,
    /// Estimate of the documents of the whole run, for the progress bar.
    pub total: Option<u64>,
    /// What follows.
    pub next: Next,
}

/// What follows a page.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Another page, from this cursor.
    Continue(Value),
    /// Nothing: the run is complete.
    Finished {
        /// Handed to the next run as [`SyncStart::state`].
        state: Option<Value>,
        /// Whether everything that this run has neither upserted nor seen is gone at the source and is to be deleted.
        sweep: bool,
    },
}

/// The source's own name of a document: unique per install.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentKey {
    /// A stream of the manifest.
    pub stream: String,
    /// Stable over time, 1 to 1024 bytes.
    pub external_id: String,
}

/// A document as it came from the source.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// A stream of the manifest.
    pub stream: String,
    /// Stable over time, 1 to 1024 bytes.
    pub external_id: String,
    /// One line, never empty.
    pub title: String,
    /// Text for people and models to read.
    pub body: String,
    /// Of the original.
    pub mime_type: String,
    /// Where a person can look at the original.
    pub url: Option<String>,
    /// A JSON object of further facts.
    pub metadata: Value,
    /// When the source last changed it, if the source says so.
    pub source_updated_at: Option<DateTime<Utc>>,
}

// === impl Document ===

impl Document {
    /// Its key.
    pub fn key(&self) -> DocumentKey {
        DocumentKey { stream: self.stream.clone(), external_id: self.external_id.clone() }
    }
}

// === impl SyncPage ===

impl SyncPage {
    /// A page with nothing in it but what follows.
    pub fn empty(next: Next) -> Self {
        Self { upserts: Vec::new(), deletes: Vec::new(), seen: Vec::new(), total: None, next }
    }
}
