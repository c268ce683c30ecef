//! A connector whose source is a script: it serves numbered pages, and fails when and how a test says.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use connector_sdk::{
    CheckReport, Connector, ConnectorError, Context, Document, Manifest, Next, SyncPage,
    SyncSource, SyncStart, ToolOutput, ToolSet,
};
use serde_json::{Value, json};
use tokio::sync::Notify;
use url::Url;

/// What the source does at one call, instead of answering.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    None,
    Transient,
    RateLimited(Duration),
    Auth,
    Permanent,
    Panic,
    /// Says that it was called and never answers.
    Hang,
    /// Says that it was called and answers when it is told to.
    Stall,
}

/// The source behind every install of the connector.
pub(crate) struct Source {
    pub(crate) pages: AtomicUsize,
    pub(crate) per_page: AtomicUsize,
    /// Text of every document.
    pub(crate) body: Mutex<String>,
    pub(crate) troubles: Mutex<VecDeque<Trouble>>,
    /// Page numbers, in the order in which they were asked for.
    pub(crate) asked: Mutex<Vec<usize>>,
    pub(crate) hanging: Notify,
    pub(crate) resume: Notify,
    /// What the last call was given as credential.
    pub(crate) token: Mutex<Option<String>>,
}

pub(crate) struct Fake {
    manifest: Manifest,
    source: Arc<Source>,
}

// === impl Source ===

impl Source {
    /// The next calls meet these troubles, in this order; later ones meet none.
    pub(crate) fn trouble(&self, troubles: impl IntoIterator<Item = Trouble>) {
        self.troubles.lock().expect("not poisoned").extend(troubles);
    }

    pub(crate) fn asked(&self) -> Vec<usize> {
        self.asked.lock().expect("not poisoned").clone()
    }

    async fn meet(&self) -> Result<(), ConnectorError> {
        let trouble = self.troubles.lock().expect("not poisoned").pop_front();
        match trouble.unwrap_or(Trouble::None) {
            Trouble::None => Ok(()),
            Trouble::Transient => Err(ConnectorError::transient("it rained", "a cause")),
            Trouble::RateLimited(retry_after) => Err(ConnectorError::RateLimited { retry_after }),
            Trouble::Auth => Err(ConnectorError::auth("the token was refused")),
            Trouble::Permanent => Err(ConnectorError::permanent("the project is gone")),
            Trouble::Panic => panic!("a fault of the connector"),
            Trouble::Hang => {
                self.hanging.notify_one();
                std::future::pending().await
            }
            Trouble::Stall => {
                self.hanging.notify_one();
                self.resume.notified().await;
                Ok(())
            }
        }
    }

    fn page(&self, number: usize) -> SyncPage {
        let per_page = self.per_page.load(Ordering::SeqCst);
        let pages = self.pages.load(Ordering::SeqCst);
        let body = self.body.lock().expect("not poisoned").clone();
        let upserts = (0..per_page).map(|place| document(number * per_page + place, &body));
        let next = if number + 1 < pages {
            Next::Continue(json!({ "page": number + 1 }))
        } else {
            Next::Finished { state: Some(json!({ "synced": pages })), sweep: true }
        };
        SyncPage {
            upserts: upserts.collect(),
            total: Some((pages * per_page) as u64),
            ..SyncPage::empty(next)
        }
    }
}

fn document(number: usize, body: &str) -> Document {
    Document {
        stream: "items".to_owned(),
        external_id: format!("item-{number:04}"),
        title: format!("Item {number}"),
        body: format!("{body} number{number}"),
        mime_type: "text/plain".to_owned(),
        url: None,
        metadata: json!({ "number": number }),
        source_updated_at: None,
    }
}

// === impl Fake ===

impl Fake {
    pub(crate) fn new() -> (Self, Arc<Source>) {
        let source = Arc::new(Source {
            pages: AtomicUsize::new(1),
            per_page: AtomicUsize::new(3),
            body: Mutex::new("plain text".to_owned()),
            troubles: Mutex::default(),
            asked: Mutex::default(),
            hanging: Notify::new(),
            resume: Notify::new(),
            token: Mutex::default(),
        });
        (Self { manifest: manifest(), source: Arc::clone(&source) }, source)
    }

    fn note_token(&self, cx: &Context) {
        *self.source.token.lock().expect("not poisoned") =
            cx.secret("bearer_token").map(str::to_owned);
    }
}

#[async_trait]
impl Connector for Fake {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    async fn check(&self, cx: &Context) -> Result<CheckReport, ConnectorError> {
        self.note_token(cx);
        let mut report = CheckReport::new();
        match cx.config["host"].as_str() {
            Some("unreachable.test") => report.fail("Connect", "there is no way to the host"),
            _ => report.pass("Connect", "it answers"),
        }
        Ok(report)
    }

    fn sync(&self) -> Option<&dyn SyncSource> {
        Some(self)
    }

    fn tools(&self) -> Option<&dyn ToolSet> {
        Some(self)
    }

    fn remote(&self, _config: &Value) -> Option<Result<Url, ConnectorError>> {
        None
    }
}

#[async_trait]
impl SyncSource for Fake {
    async fn read_page(&self, cx: &Context, start: &SyncStart) -> Result<SyncPage, ConnectorError> {
        self.note_token(cx);
        let number = start.cursor.as_ref().and_then(|cursor| cursor["page"].as_u64());
        let number = usize::try_from(number.unwrap_or(0)).expect("a small number");
        self.source.asked.lock().expect("not poisoned").push(number);
        self.source.meet().await?;
        Ok(self.source.page(number))
    }
}

#[async_trait]
impl ToolSet for Fake {
    async fn call(
        &self,
        cx: &Context,
        tool: &str,
        arguments: &Value,
    ) -> Result<ToolOutput, ConnectorError> {
        self.note_token(cx);
        self.manifest.check_arguments(tool, arguments)?;
        self.source.meet().await?;
        Ok(ToolOutput::text(format!("{tool}: {}", arguments["text"])))
    }
}

fn manifest() -> Manifest {
    let tool = |name: &str, destructive: bool| {
        json!({
            "name": name, "title": name, "description": "Says something.",
            "input_schema": { "type": "object", "additionalProperties": false,
                "properties": { "text": { "type": "string" } } },
            "read_only": !destructive, "destructive": destructive, "idempotent": true,
            "open_world": false
        })
    };
    serde_json::from_value(json!({
        "id": "fake", "name": "Fake", "version": "1.0.0", "publisher": "Tests",
        "summary": "A script.", "description": "A script.", "categories": ["tests"],
        "config_schema": { "type": "object", "additionalProperties": false,
            "properties": { "host": { "type": "string", "title": "Host" },
                            "depth": { "type": "integer", "title": "Depth" } } },
        "credential_schema": { "type": "object", "additionalProperties": false,
            "properties": { "bearer_token": { "type": "string", "title": "Token" } } },
        "streams": [{ "name": "items", "title": "Items", "description": "Items." }],
        "tools": [tool("echo", false), tool("wipe", true)],
        "hosts": { "kind": "configured", "fields": ["host"] }
    }))
    .expect("a manifest")
}
