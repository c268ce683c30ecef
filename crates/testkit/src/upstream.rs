//! An MCP server that is not ours, for tests: both revisions, counts what it is asked and shows what it was sent.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::mcp::{LEGACY, MODERN};

/// Which revisions the server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// Both, decided by each request.
    Dual,
    /// Only the revision without sessions.
    Modern,
    /// Only the revision with sessions, which it insists on.
    Legacy,
}

/// How the server is to be.
#[derive(Debug, Clone)]
pub struct UpstreamConfig {
    pub era: Era,
    /// Every request must carry this token as bearer.
    pub bearer: Option<String>,
    /// Waits before each answer to `tools/call`.
    pub delay: Duration,
}

/// The running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    state: Arc<State>,
    cancel: CancellationToken,
}

/// One request that the server got.
#[derive(Debug, Clone)]
pub struct Seen {
    /// JSON-RPC method.
    pub method: String,
    pub headers: HeaderMap,
    /// The whole JSON-RPC message.
    pub body: Value,
}

#[derive(Debug)]
struct State {
    config: UpstreamConfig,
    seen: Mutex<Vec<Seen>>,
}

const SESSION: &str = "upstream-session-1";
/// Hints for modern clients: this server's lists may be kept for a minute by one caller.
const LIST_TTL_MS: u64 = 60_000;

// === impl UpstreamConfig ===

impl Default for UpstreamConfig {
    fn default() -> Self {
        Self { era: Era::Dual, bearer: None, delay: Duration::ZERO }
    }
}

// === impl Upstream ===

impl Upstream {
    /// Listens on a free loopback port.
    pub async fn start(config: UpstreamConfig) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State { config, seen: Mutex::new(Vec::new()) });
        let cancel = CancellationToken::new();
        let tracker = TaskTracker::new();
        tracker.spawn(accept(listener, state.clone(), cancel.clone(), tracker.clone()));
        Ok(Self { address, state, cancel })
    }

    /// The MCP endpoint.
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests of this method came in; all of them for `""`.
    pub fn count(&self, method: &str) -> usize {
        self.state.lock().iter().filter(|seen| method.is_empty() || seen.method == method).count()
    }

    /// The requests of this method in the order of their arrival.
    pub fn seen(&self, method: &str) -> Vec<Seen> {
        self.state.lock().iter().filter(|seen| seen.method == method).cloned().collect()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

// === impl State ===

impl State {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Seen>> {
        // A test that panicked while it looked has already failed.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn authorized(&self, headers: &HeaderMap) -> bool {
        self.config.bearer.as_ref().is_none_or(|token| {
            headers
                .get("authorization")
                .is_some_and(|value| value == format!("Bearer {token}").as_str())
        })
    }
}

async fn accept(
    listener: TcpListener,
    state: Arc<State>,
    cancel: CancellationToken,
    tracker: TaskTracker,
) {
    while let Some(Ok((stream, _))) = cancel.run_until_cancelled(listener.accept()).await {
        let (state, cancel) = (state.clone(), cancel.clone());
        let _ = stream.set_nodelay(true);
        tracker.spawn(async move {
            let service = service_fn(|request| {
                let state = state.clone();
                async move { Ok::<_, Infallible>(answer(&state, request).await) }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A client that goes away in the middle is what some tests are about.
            let _ = cancel.run_until_cancelled(connection).await;
        });
    }
}

async fn answer(state: &State, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    if !state.authorized(&parts.headers) {
        return plain(StatusCode::UNAUTHORIZED);
    }
    if parts.method == Method::DELETE {
        return plain(StatusCode::OK);
    }
    if parts.method != Method::POST {
        return plain(StatusCode::METHOD_NOT_ALLOWED);
    }
    let Ok(body) = body.collect().await else { return plain(StatusCode::BAD_REQUEST) };
    let Ok(body) = serde_json::from_slice::<Value>(&body.to_bytes()) else {
        return error(StatusCode::BAD_REQUEST, &Value::Null, -32700, "Parse error");
    };
    let method = body["method"].as_str().unwrap_or_default().to_owned();
    let headers = parts.headers;
    state.lock().push(Seen {
        method: method.clone(),
        headers: headers.clone(),
        body: body.clone(),
    });
    if body.get("id").is_none() {
        return plain(StatusCode::ACCEPTED);
    }
    if method == "tools/call" && !state.config.delay.is_zero() {
        tokio::time::sleep(state.config.delay).await;
    }
    dispatch(state.config.era, &method, &headers, &body)
}

/// Applies the rules of the revision, then answers.
fn dispatch(era: Era, method: &str, headers: &HeaderMap, body: &Value) -> Response<Full<Bytes>> {
    let id = &body["id"];
    let modern = headers.get("mcp-protocol-version").is_some_and(|version| version == MODERN);
    match era {
        Era::Modern if !modern => {
            return unsupported_version(id, headers);
        }
        // What stock servers of the legacy revision answer to a request without a session.
        Era::Legacy
            if modern || (method != "initialize" && headers.get("mcp-session-id").is_none()) =>
        {
            return error(StatusCode::BAD_REQUEST, id, -32600, "Bad Request: Missing session ID");
        }
        _ => {}
    }
    let result = if modern {
        modern_result(method, body, headers)
    } else {
        legacy_result(method, body, headers)
    };
    match result {
        Some(result) => {
            let mut response = json_response(
                StatusCode::OK,
                &json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            );
            if method == "initialize" {
                response
                    .headers_mut()
                    .insert("mcp-session-id", http::HeaderValue::from_static(SESSION));
            }
            response
        }
        None if modern => error(StatusCode::NOT_FOUND, id, -32601, "Method not found"),
        None => error(StatusCode::OK, id, -32601, "Method not found"),
    }
}

fn modern_result(method: &str, body: &Value, headers: &HeaderMap) -> Option<Value> {
    let mut result = match method {
        "server/discover" => json!({
            "supportedVersions": [MODERN],
            "capabilities": capabilities(),
            "serverInfo": server_info(),
        }),
        "initialize" | "ping" => return None,
        _ => shared_result(method, body, headers)?,
    };
    result["resultType"] = json!("complete");
    if method.ends_with("/list") || method == "resources/read" || method == "server/discover" {
        result["ttlMs"] = json!(LIST_TTL_MS);
        result["cacheScope"] = json!("private");
    }
    Some(result)
}

fn legacy_result(method: &str, body: &Value, headers: &HeaderMap) -> Option<Value> {
    match method {
        "initialize" => Some(json!({
            "protocolVersion": LEGACY,
            "capabilities": capabilities(),
            "serverInfo": server_info(),
        })),
        "ping" => Some(json!({})),
        "server/discover" => None,
        _ => shared_result(method, body, headers),
    }
}

fn shared_result(method: &str, body: &Value, headers: &HeaderMap) -> Option<Value> {
    let params = &body["params"];
    Some(match method {
        "tools/list" => json!({ "tools": tools() }),
        "tools/call" => call(params, headers),
        "resources/list" => {
            json!({ "resources": [{ "uri": "test://text", "name": "text", "mimeType": "text/plain" }] })
        }
        "resources/templates/list" => json!({ "resourceTemplates": [] }),
        "resources/read" => {
            json!({ "contents": [{ "uri": params["uri"], "mimeType": "text/plain", "text": "Text of the upstream." }] })
        }
        "prompts/list" => json!({ "prompts": [{ "name": "greet", "description": "Greets." }] }),
        "prompts/get" => json!({
            "messages": [{ "role": "user", "content": { "type": "text", "text": "Say hello." } }],
        }),
        _ => return None,
    })
}

fn call(params: &Value, headers: &HeaderMap) -> Value {
    let arguments = &params["arguments"];
    match params["name"].as_str() {
        Some("echo") => text_result(arguments["text"].as_str().unwrap_or_default(), arguments),
        Some("headers") => {
            let shown: BTreeMap<&str, &str> = headers
                .iter()
                .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
                .collect();
            text_result("headers", &json!(shown))
        }
        Some("fail") => {
            json!({ "content": [{ "type": "text", "text": "It failed, as asked." }], "isError": true })
        }
        _ => json!({ "content": [{ "type": "text", "text": "Unknown tool" }], "isError": true }),
    }
}

fn text_result(text: &str, structured: &Value) -> Value {
    json!({ "content": [{ "type": "text", "text": text }], "structuredContent": structured, "isError": false })
}

fn tools() -> Value {
    let text_schema = json!({ "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"] });
    let empty_schema = json!({ "type": "object" });
    json!([
        {
            "name": "echo", "title": "Echo", "description": "Answers with the text that it is given.",
            "inputSchema": text_schema, "annotations": { "readOnlyHint": true },
        },
        {
            "name": "fail", "title": "Fail", "description": "Always fails.", "inputSchema": empty_schema,
        },
        {
            "name": "headers", "title": "Headers", "description": "Answers with the headers of the request.",
            "inputSchema": empty_schema, "annotations": { "readOnlyHint": true },
        },
    ])
}

fn capabilities() -> Value {
    json!({ "tools": {}, "resources": {}, "prompts": {} })
}

fn server_info() -> Value {
    json!({ "name": "testkit-upstream", "version": "1" })
}

fn unsupported_version(id: &Value, headers: &HeaderMap) -> Response<Full<Bytes>> {
    let requested = headers.get("mcp-protocol-version").and_then(|value| value.to_str().ok());
    let message = json!({
        "jsonrpc": "2.0",
        "id": id,
        "error": {
            "code": -32022,
            "message": "Unsupported protocol version",
            "data": { "supported": [MODERN], "requested": requested.unwrap_or_default() },
        },
    });
    json_response(StatusCode::BAD_REQUEST, &message)
}

fn error(status: StatusCode, id: &Value, code: i32, message: &str) -> Response<Full<Bytes>> {
    let error = json!({ "code": code, "message": message });
    json_response(status, &json!({ "jsonrpc": "2.0", "id": id, "error": error }))
}

fn json_response(status: StatusCode, message: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(message.to_string())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
