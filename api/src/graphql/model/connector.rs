//! What the marketplace offers.

use async_graphql::{ID, Object};
use control::Manifest;
use serde_json::Value;

/// Kind of a connector's global id. Connectors are named, not numbered: `connector:files`.
pub(crate) const ID_PREFIX: &str = "connector";

pub(crate) struct Connector(pub(crate) &'static Manifest);

pub(crate) struct ConnectorTool(&'static control::ToolManifest);

pub(crate) struct ConnectorStream(&'static control::StreamManifest);

/// A connector of the marketplace.
#[Object]
impl Connector {
    pub(crate) async fn id(&self) -> ID {
        ID(format!("{ID_PREFIX}:{}", self.0.id))
    }

    /// Its name in addresses and in `installConnector`.
    async fn slug(&self) -> &str {
        &self.0.id
    }

    async fn name(&self) -> &str {
        &self.0.name
    }

    async fn version(&self) -> &str {
        &self.0.version
    }

    async fn publisher(&self) -> &str {
        &self.0.publisher
    }

    /// One line.
    async fn summary(&self) -> &str {
        &self.0.summary
    }

    /// Markdown.
    async fn description(&self) -> &str {
        &self.0.description
    }

    async fn categories(&self) -> &[String] {
        &self.0.categories
    }

    /// JSON Schema (2020-12) of the settings; none of them is secret.
    async fn config_schema(&self) -> &Value {
        &self.0.config_schema
    }

    /// JSON Schema of the secret fields; null when the connector needs no credential.
    async fn credential_schema(&self) -> Option<&Value> {
        self.0.credential_schema.as_deref()
    }

    async fn tools(&self) -> Vec<ConnectorTool> {
        self.0.tools.iter().map(ConnectorTool).collect()
    }

    async fn streams(&self) -> Vec<ConnectorStream> {
        self.0.streams.iter().map(ConnectorStream).collect()
    }

    /// Whether it copies data for searching.
    async fn syncs(&self) -> bool {
        !self.0.streams.is_empty()
    }

    /// Whether it answers live tool calls.
    async fn live(&self) -> bool {
        // A connector with neither streams nor tools of its own stands for a remote MCP server, whose tools are live.
        !self.0.tools.is_empty() || self.0.streams.is_empty()
    }
}

/// A tool that a connector gives to AI clients.
#[Object]
impl ConnectorTool {
    async fn name(&self) -> &str {
        &self.0.name
    }

    async fn title(&self) -> &str {
        &self.0.title
    }

    async fn description(&self) -> &str {
        &self.0.description
    }

    /// JSON Schema of the arguments.
    async fn input_schema(&self) -> &Value {
        &self.0.input_schema
    }

    async fn read_only(&self) -> bool {
        self.0.read_only
    }

    async fn destructive(&self) -> bool {
        self.0.destructive
    }
}

/// A kind of document that a connector syncs.
#[Object]
impl ConnectorStream {
    async fn name(&self) -> &str {
        &self.0.name
    }

    async fn title(&self) -> &str {
        &self.0.title
    }

    async fn description(&self) -> &str {
        &self.0.description
    }
}
