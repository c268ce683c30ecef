//! The traits. A capability is a getter that returns `Option`: what a connector cannot do is absent, never a stub.

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::{ConnectorError, Context, Manifest, SyncPage, SyncStart};

/// A kind of source that a tenant can install. One value serves all tenants, so it keeps nothing between calls.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What it says about itself: the marketplace, the forms, the docs and the tools are made from it.
    fn manifest(&self) -> &Manifest;

    /// Tries the settings and the credential against the real source, without changing anything there.
    ///
    /// # Errors
    /// Only what keeps the check from being made; a refused password is an item of the report.
    async fn check(&self, cx: &Context) -> Result<CheckReport, ConnectorError>;

    /// How it copies documents; `None` if it does not.
    fn sync(&self) -> Option<&dyn SyncSource>;

    /// Its live tools; `None` if it has none of its own.
    fn tools(&self) -> Option<&dyn ToolSet>;

    /// Where the MCP server behind it is; `None` unless the gateway proxies this connector.
    fn remote(&self, config: &Value) -> Option<Result<Url, ConnectorError>>;
}

/// Copies documents, page by page.
#[async_trait]
pub trait SyncSource: Send + Sync {
    /// Reads the page at `start`. The same start may be asked for again after a crash, on another machine.
    ///
    /// # Errors
    /// [`ConnectorError`]; nothing of the page is written then.
    async fn read_page(&self, cx: &Context, start: &SyncStart) -> Result<SyncPage, ConnectorError>;
}

/// Live tools.
#[async_trait]
pub trait ToolSet: Send + Sync {
    /// Calls a tool. `arguments` are checked against the tool's schema by the callee too: the gateway is not the only caller.
    ///
    /// # Errors
    /// [`ConnectorError::InvalidArguments`] for an unknown tool or arguments that do not fit; a failure that the model can
    /// react to (a wrong query, a missing file) is a [`ToolOutput`] with `is_error` or `InvalidArguments`.
    async fn call(
        &self,
        cx: &Context,
        tool: &str,
        arguments: &Value,
    ) -> Result<ToolOutput, ConnectorError>;
}

/// What a tool answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolOutput {
    /// For the model to read.
    pub text: String,
    /// The same as data, if the tool has a shape for it.
    pub structured: Option<Value>,
    /// The call failed in a way that the model should see and can react to.
    pub is_error: bool,
}

/// What a connection check found, in the order in which it looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    pub items: Vec<CheckItem>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckItem {
    /// What, in a few words: `Sign in`.
    pub name: String,
    pub ok: bool,
    /// What was found, or what to do about it.
    pub message: String,
}

// === impl CheckReport ===

impl CheckReport {
    /// An empty report, to be filled in order.
    pub const fn new() -> Self {
        Self { items: Vec::new() }
    }

    /// Notes something that works.
    pub fn pass(&mut self, name: &str, message: impl Into<String>) {
        self.items.push(CheckItem { name: name.to_owned(), ok: true, message: message.into() });
    }

    /// Notes something that does not.
    pub fn fail(&mut self, name: &str, message: impl Into<String>) {
        self.items.push(CheckItem { name: name.to_owned(), ok: false, message: message.into() });
    }

    /// Whether everything looked at works.
    pub fn is_ok(&self) -> bool {
        self.items.iter().all(|item| item.ok)
    }
}

impl Default for CheckReport {
    fn default() -> Self {
        Self::new()
    }
}

// === impl ToolOutput ===

impl ToolOutput {
    /// An answer in words alone.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), structured: None, is_error: false }
    }

    /// An answer in words and as data.
    pub fn structured(text: impl Into<String>, structured: Value) -> Self {
        Self { text: text.into(), structured: Some(structured), is_error: false }
    }

    /// A failure that the model should see.
    pub fn error(text: impl Into<String>) -> Self {
        Self { text: text.into(), structured: None, is_error: true }
    }
}
