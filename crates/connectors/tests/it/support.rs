//! Contexts and runs for the tests.

use std::{path::PathBuf, sync::Arc};

use chrono::{DateTime, Utc};
use connector_sdk::{
    Connector, ConnectorError, Context, Next, OperatorPolicy, Secrets, SyncStart, ToolOutput,
    compliance::Replica,
};
use egress::Egress;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// A connector of the registry.
pub(crate) fn connector(id: &str) -> &'static dyn Connector {
    connectors::registry::find(id).expect("a connector of the registry")
}

/// What the operator of the tests allows.
pub(crate) struct Allow {
    pub(crate) private_networks: bool,
    pub(crate) file_roots: Vec<PathBuf>,
}

impl Default for Allow {
    fn default() -> Self {
        Self { private_networks: true, file_roots: Vec::new() }
    }
}

/// A context by settings and credential.
pub(crate) fn context(config: Value, credential: Option<Value>, allow: Allow) -> Context {
    let config_of_egress =
        egress::Config { allow_private_networks: allow.private_networks, ..Default::default() };
    let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().expect("a time");
    Context {
        config,
        credential: credential.map(|value| Secrets::from_json(value).expect("a credential")),
        egress: Egress::new(config_of_egress),
        operator: Arc::new(OperatorPolicy {
            file_roots: allow.file_roots,
            max_document_bytes: 100_000,
        }),
        now,
        cancel: CancellationToken::new(),
    }
}

/// What is kept of an install between runs.
#[derive(Default)]
pub(crate) struct Synced {
    pub(crate) replica: Replica,
    pub(crate) state: Option<Value>,
    /// Of the last run.
    pub(crate) upserted: Vec<String>,
}

/// Runs a sync to its end, as the worker does.
pub(crate) async fn sync(
    connector: &dyn Connector,
    cx: &Context,
    synced: &mut Synced,
) -> Result<(), ConnectorError> {
    let source = connector.sync().expect("it syncs");
    synced.replica.begin_run();
    synced.upserted.clear();
    let mut start = SyncStart { state: synced.state.clone(), cursor: None };
    loop {
        let page = source.read_page(cx, &start).await?;
        synced.replica.apply(&page);
        synced.upserted.extend(page.upserts.iter().map(|document| document.external_id.clone()));
        match page.next {
            Next::Continue(cursor) => start.cursor = Some(cursor),
            Next::Finished { state, .. } => {
                synced.state = state;
                return Ok(());
            }
        }
    }
}

/// Calls a tool.
pub(crate) async fn call(
    connector: &dyn Connector,
    cx: &Context,
    tool: &str,
    arguments: Value,
) -> Result<ToolOutput, ConnectorError> {
    connector.tools().expect("it has tools").call(cx, tool, &arguments).await
}
