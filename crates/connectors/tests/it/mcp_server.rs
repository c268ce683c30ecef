//! A small MCP server over real HTTP, of one era or the other.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// What the server does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 2026-07-28, JSON answers, the tool list in two pages.
    Modern,
    /// 2025-11-25, event streams, sessions.
    Legacy,
    /// Wants `Bearer right`.
    Guarded,
    /// Answers HTML.
    Website,
    /// Redirects.
    Moved,
    /// Modern by its status, but without `server/discover`.
    Incomplete,
}

/// A running server; stops when dropped.
pub(crate) struct McpServer {
    pub(crate) address: SocketAddr,
    /// Method of every request.
    seen: Log,
    _stop: DropGuard,
}

impl McpServer {
    pub(crate) async fn start(kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = CancellationToken::new();
        let tracker = TaskTracker::new();
        let (log, stopped, spawner) = (seen.clone(), stop.clone(), tracker.clone());
        tracker.spawn(async move {
            loop {
                let stream = tokio::select! {
                    () = stopped.cancelled() => return,
                    accepted = listener.accept() => accepted.expect("a connection").0,
                };
                let log = log.clone();
                spawner.spawn(async move {
                    let service = service_fn(move |request| answer(kind, log.clone(), request));
                    let http = hyper::server::conn::http1::Builder::new();
                    // A client that hangs up is not this server's business.
                    http.serve_connection(TokioIo::new(stream), service).await.ok();
                });
            }
        });
        Self { address, seen, _stop: stop.drop_guard() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub(crate) fn methods(&self) -> Vec<String> {
        self.seen.lock().expect("a lock").clone()
    }
}

type Log = Arc<Mutex<Vec<String>>>;

async fn answer(
    kind: Kind,
    log: Log,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let header =
        |name: &str| parts.headers.get(name).map(|value| value.to_str().expect("ASCII").to_owned());
    let method = message["method"].as_str().unwrap_or(parts.method.as_str()).to_owned();
    let authorization = header("authorization");
    log.lock().expect("a lock").push(method.clone());
    let response = match kind {
        Kind::Guarded if authorization.as_deref() != Some("Bearer right") => plain(401, ""),
        Kind::Modern | Kind::Guarded => {
            let header_fits = header("mcp-method").as_deref() == Some(&method)
                && header("mcp-protocol-version").as_deref() == Some("2026-07-28");
            let meta = &message["params"]["_meta"];
            let meta_fits = meta["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
                && meta["io.modelcontextprotocol/clientCapabilities"].is_object();
            if header_fits && meta_fits { modern(&method, &message) } else { error(400, -32020) }
        }
        Kind::Legacy => {
            let in_session = header("mcp-session-id").as_deref() == Some("s1")
                && header("mcp-protocol-version").as_deref() == Some("2025-11-25");
            legacy(&method, in_session)
        }
        Kind::Website => plain(200, "<html>welcome</html>"),
        Kind::Moved => {
            let mut moved = plain(308, "");
            moved
                .headers_mut()
                .insert("location", "https://elsewhere.example/mcp".parse().expect("a value"));
            moved
        }
        Kind::Incomplete => error(404, -32601),
    };
    Ok(response)
}

fn modern(method: &str, message: &Value) -> Response<Full<Bytes>> {
    match (method, message["params"]["cursor"].as_str()) {
        ("server/discover", _) => result(&json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private",
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "fresh", "version": "9.1"}},
        })),
        ("tools/list", None) => {
            result(&json!({"tools": [{"name": "a"}, {"name": "b"}], "nextCursor": ""}))
        }
        ("tools/list", Some(_)) => result(&json!({"tools": [{"name": "c"}]})),
        _ => error(404, -32601),
    }
}

fn legacy(method: &str, in_session: bool) -> Response<Full<Bytes>> {
    match method {
        "initialize" => {
            let mut response = stream(&json!({
                "protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "elder", "version": "1.0"},
            }));
            response.headers_mut().insert("mcp-session-id", "s1".parse().expect("a value"));
            response
        }
        "notifications/initialized" if in_session => plain(202, ""),
        "tools/list" if in_session => stream(&json!({"tools": [{"name": "x"}]})),
        "DELETE" if in_session => plain(200, ""),
        _ => error(400, -32000),
    }
}

fn result(result: &Value) -> Response<Full<Bytes>> {
    json_response(200, &json!({"jsonrpc": "2.0", "id": 1, "result": result}))
}

fn stream(result: &Value) -> Response<Full<Bytes>> {
    let notice = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {}});
    let message = json!({"jsonrpc": "2.0", "id": 1, "result": result});
    let body =
        format!(": hi\n\nevent: message\ndata: {notice}\n\nevent: message\ndata: {message}\n\n");
    let mut response = plain(200, &body);
    response.headers_mut().insert("content-type", "text/event-stream".parse().expect("a value"));
    response
}

fn error(status: u16, code: i64) -> Response<Full<Bytes>> {
    json_response(
        status,
        &json!({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": "no"}}),
    )
}

fn json_response(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let mut response = plain(status, &body.to_string());
    response.headers_mut().insert("content-type", "application/json".parse().expect("a value"));
    response
}

fn plain(status: u16, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(body.as_bytes())));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
}
