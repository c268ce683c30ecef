//! The server behind both the gateway and nginx: as little work as an MCP server can do, so that what is measured is
//! the way there. It answers each method with bytes made once.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// Size of the text of a tool's answer.
const RESULT_TEXT_BYTES: usize = 1024;
const VERSION: &str = "2026-07-28";

/// The answers, each as the text of a `result`.
struct Answers {
    discover: String,
    list: String,
    call: String,
    empty_lists: [(&'static str, String); 3],
}

/// What of a request is looked at; the rest is not even parsed.
#[derive(Deserialize)]
struct Envelope<'a> {
    method: &'a str,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

// === impl Answers ===

impl Answers {
    fn new() -> Self {
        let cacheable = |mut result: Value| {
            result["resultType"] = json!("complete");
            result["ttlMs"] = json!(600_000);
            result["cacheScope"] = json!("private");
            result.to_string()
        };
        let text = "x".repeat(RESULT_TEXT_BYTES);
        let schema = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
        let tool = json!({
            "name": "echo", "description": "Answers with one KiB of text.", "inputSchema": schema,
            "annotations": { "readOnlyHint": true },
        });
        let call = json!({
            "content": [{ "type": "text", "text": text }], "isError": false, "resultType": "complete",
        });
        Self {
            discover: cacheable(json!({
                "supportedVersions": [VERSION],
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "loadtest-upstream", "version": "1" },
            })),
            list: cacheable(json!({ "tools": [tool] })),
            call: call.to_string(),
            empty_lists: [
                ("resources/list", cacheable(json!({ "resources": [] }))),
                ("resources/templates/list", cacheable(json!({ "resourceTemplates": [] }))),
                ("prompts/list", cacheable(json!({ "prompts": [] }))),
            ],
        }
    }

    fn find(&self, method: &str) -> Option<&str> {
        match method {
            "tools/call" => Some(&self.call),
            "tools/list" => Some(&self.list),
            "server/discover" => Some(&self.discover),
            _ => self
                .empty_lists
                .iter()
                .find(|(name, _)| *name == method)
                .map(|(_, text)| text.as_str()),
        }
    }
}

/// Serves on a free loopback port until the runtime ends.
pub(crate) async fn start() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let answers = Arc::new(Answers::new());
    let tracker = TaskTracker::new();
    let connections = tracker.clone();
    tracker.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Without it a small answer waits for the acknowledgement of the one before.
            let _ = stream.set_nodelay(true);
            let answers = answers.clone();
            connections.spawn(async move {
                let service = service_fn(|request| {
                    let answers = answers.clone();
                    async move { Ok::<_, Infallible>(answer(&answers, request).await) }
                });
                // A proxy that closes its connection is no error.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(address)
}

async fn answer(answers: &Answers, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let Ok(body) = request.into_body().collect().await else {
        return status(StatusCode::BAD_REQUEST);
    };
    let body = body.to_bytes();
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(&body) else {
        return status(StatusCode::BAD_REQUEST);
    };
    let Some(id) = envelope.id else { return status(StatusCode::ACCEPTED) };
    let Some(result) = answers.find(envelope.method) else {
        let error = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "Method not found" } });
        let mut response = json_response(error.to_string());
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    json_response(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#))
}

fn json_response(text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
