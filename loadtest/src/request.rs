//! The requests of a scenario: made once, sent again and again.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use testkit::mcp::{MODERN, with_meta};

use crate::error::Error;

/// Where a request goes and what it says.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    /// `host:port`.
    pub(crate) authority: String,
    path: String,
    api_key: Option<String>,
    method: &'static str,
    name: Option<String>,
    body: Bytes,
}

// === impl Template ===

impl Template {
    /// A request of revision 2026-07-28 to an MCP endpoint.
    pub(crate) fn new(
        url: &str,
        api_key: Option<&str>,
        method: &'static str,
        params: Value,
    ) -> Result<Self, Error> {
        let url: url::Url = url.parse().map_err(|_| Error::Url { url: url.to_owned() })?;
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or(80);
        let name = params.get("name").and_then(Value::as_str).map(ToOwned::to_owned);
        let body =
            json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": with_meta(params) });
        Ok(Self {
            authority: format!("{host}:{port}"),
            path: url.path().to_owned(),
            api_key: api_key.map(ToOwned::to_owned),
            method,
            name,
            body: Bytes::from(body.to_string()),
        })
    }

    /// A copy that shares its bytes with all others.
    pub(crate) fn request(&self) -> Result<Request<Full<Bytes>>, Error> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(&self.path)
            .header("host", &self.authority)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", self.method);
        if let Some(name) = &self.name {
            request = request.header("mcp-name", name);
        }
        if let Some(key) = &self.api_key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        request.body(Full::new(self.body.clone())).map_err(Error::Request)
    }
}
