//! An MCP client that shows its wire: both revisions, each request as one exchange that a test can look at.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::{Error, Http, Reply, http::build};

/// The revision without sessions: every request carries its own version and capabilities.
pub const MODERN: &str = "2026-07-28";
/// The newest revision with the initialize handshake.
pub const LEGACY: &str = "2025-11-25";

const ACCEPT: &str = "application/json, text/event-stream";
const META: &str = "io.modelcontextprotocol";

/// An MCP endpoint and the key to it.
#[derive(Debug, Clone)]
pub struct Mcp {
    http: Http,
    url: String,
    api_key: Option<String>,
}

/// A session of the legacy revision.
#[derive(Debug, Clone)]
pub struct LegacySession {
    mcp: Mcp,
    /// What the server gave at `initialize`; absent when it keeps no session.
    pub id: Option<String>,
    /// The result of `initialize`.
    pub initialized: Value,
}

// === impl Mcp ===

impl Mcp {
    pub fn new(http: &Http, url: &str, api_key: &str) -> Self {
        Self { http: http.clone(), url: url.to_owned(), api_key: Some(api_key.to_owned()) }
    }

    /// Without any key.
    pub fn anonymous(http: &Http, url: &str) -> Self {
        Self { http: http.clone(), url: url.to_owned(), api_key: None }
    }

    /// Sends a body as it is, with the key and these headers.
    pub async fn post(&self, headers: &[(&str, &str)], body: &Value) -> Result<Reply, Error> {
        let authorization = self.api_key.as_ref().map(|key| format!("Bearer {key}"));
        let mut all = vec![("accept", ACCEPT)];
        all.extend(authorization.as_deref().map(|value| ("authorization", value)));
        all.extend(headers);
        self.http.post(&self.url, &all, body).await
    }

    /// A request of revision 2026-07-28, complete with its headers and `_meta`: the whole exchange.
    pub async fn modern_reply(&self, method: &str, params: Value) -> Result<Reply, Error> {
        let params = with_meta(params);
        let name = target(&params).map(ToOwned::to_owned);
        let mut headers = vec![("mcp-protocol-version", MODERN), ("mcp-method", method)];
        headers.extend(name.as_deref().map(|value| ("mcp-name", value)));
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.post(&headers, &body).await
    }

    /// A request of revision 2026-07-28 that must succeed: its `result`.
    pub async fn modern(&self, method: &str, params: Value) -> Result<Value, Error> {
        result(&self.modern_reply(method, params).await?)
    }

    /// Opens a session of revision 2025-11-25.
    pub async fn legacy(&self) -> Result<LegacySession, Error> {
        let params = json!({
            "protocolVersion": LEGACY,
            "capabilities": {},
            "clientInfo": { "name": "testkit", "version": "1" },
        });
        let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let reply = self.post(&[], &body).await?;
        let initialized = result(&reply)?;
        let id = Some(reply.header("mcp-session-id").to_owned()).filter(|id| !id.is_empty());
        let session = LegacySession { mcp: self.clone(), id, initialized };
        let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let accepted = session.post(&note).await?;
        if accepted.status != StatusCode::ACCEPTED {
            return Err(refused(&accepted));
        }
        Ok(session)
    }
}

// === impl LegacySession ===

impl LegacySession {
    /// Sends a body within the session.
    pub async fn post(&self, body: &Value) -> Result<Reply, Error> {
        self.mcp.post(&self.headers(), body).await
    }

    /// A request within the session: the whole exchange.
    pub async fn reply(&self, method: &str, params: Value) -> Result<Reply, Error> {
        self.post(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })).await
    }

    /// A request within the session that must succeed: its `result`.
    pub async fn request(&self, method: &str, params: Value) -> Result<Value, Error> {
        result(&self.reply(method, params).await?)
    }

    /// Ends the session by DELETE.
    pub async fn end(&self) -> Result<Reply, Error> {
        let authorization = format!("Bearer {}", self.mcp.api_key.as_deref().unwrap_or_default());
        let mut headers = vec![("authorization", authorization.as_str())];
        headers.extend(self.headers());
        self.mcp
            .http
            .send(build(Method::DELETE, &self.mcp.url, &headers, bytes::Bytes::new())?)
            .await
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        let mut headers = vec![("mcp-protocol-version", LEGACY)];
        headers.extend(self.id.as_deref().map(|id| ("mcp-session-id", id)));
        headers
    }
}

/// The JSON-RPC message of an answer, from JSON or from the last event of a stream.
pub fn message(reply: &Reply) -> Result<Value, Error> {
    if !reply.header("content-type").starts_with("text/event-stream") {
        return reply.json();
    }
    let text = reply.text();
    let data = text.lines().rev().find_map(|line| line.strip_prefix("data:")).unwrap_or_default();
    serde_json::from_str(data.trim()).map_err(|source| Error::Json { text, source })
}

/// The `result` of an answer, or why there is none.
pub fn result(reply: &Reply) -> Result<Value, Error> {
    let mut message = message(reply)?;
    match message.get_mut("result") {
        Some(result) if reply.status == StatusCode::OK => Ok(result.take()),
        _ => Err(refused(reply)),
    }
}

/// What a modern request must carry beside its own parameters.
pub fn with_meta(params: Value) -> Value {
    let mut params = match params {
        Value::Object(params) => params,
        _ => Map::new(),
    };
    let meta = params.entry("_meta").or_insert_with(|| json!({}));
    meta[format!("{META}/protocolVersion")] = json!(MODERN);
    meta[format!("{META}/clientCapabilities")] = json!({});
    meta[format!("{META}/clientInfo")] = json!({ "name": "testkit", "version": "1" });
    Value::Object(params)
}

/// What `Mcp-Name` must repeat: the name of a tool or prompt, or the URI of a resource.
fn target(params: &Value) -> Option<&str> {
    params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str)
}

fn refused(reply: &Reply) -> Error {
    Error::Refused { message: format!("{} {}", reply.status, reply.text()) }
}
