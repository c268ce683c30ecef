//! A remote MCP server whose every answer the test decides: for what well-behaved servers do not do.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

type Script = Arc<dyn Fn(&Asked) -> HttpResponse + Send + Sync>;

/// A request as the server got it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) session: Option<String>,
    pub(crate) body: Value,
    /// How many requests of this method came before.
    pub(crate) before: usize,
}

/// The running server; it ends with the value.
pub(crate) struct Scripted {
    url: String,
    seen: Arc<Mutex<Vec<Asked>>>,
    server: ServerHandle,
    _tasks: TaskTracker,
}

#[derive(Clone)]
struct State {
    script: Script,
    seen: Arc<Mutex<Vec<Asked>>>,
}

// === impl Scripted ===

impl Scripted {
    pub(crate) fn start(script: impl Fn(&Asked) -> HttpResponse + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let state = State { script: Arc::new(script), seen: Arc::clone(&seen) };
        let server = HttpServer::new(move || {
            App::new().app_data(web::Data::new(state.clone())).default_service(web::to(answer))
        })
        .workers(1)
        .disable_signals()
        .bind((Ipv4Addr::LOCALHOST, 0))
        .expect("a free port");
        let address = server.addrs().first().copied().expect("an address");
        let server = server.run();
        let handle = server.handle();
        let tasks = TaskTracker::new();
        tasks.spawn(server);
        Self { url: format!("http://{address}/mcp"), seen, server: handle, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The methods asked for, in order.
    pub(crate) fn methods(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().map(|asked| asked.method.clone()).collect()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

async fn answer(
    request: HttpRequest,
    body: web::Json<Value>,
    state: web::Data<State>,
) -> HttpResponse {
    let method = body["method"].as_str().unwrap_or_default().to_owned();
    let session = request.headers().get("mcp-session-id");
    let session = session.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked = {
        let mut seen = state.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen.iter().filter(|asked: &&Asked| asked.method == method).count();
        let asked = Asked { method, session, body: body.into_inner(), before };
        seen.push(asked.clone());
        asked
    };
    (state.script)(&asked)
}

/// A result as JSON.
pub(crate) fn result(asked: &Asked, result: &Value) -> HttpResponse {
    HttpResponse::Ok().json(json!({"jsonrpc": "2.0", "id": asked.body["id"], "result": result}))
}

/// What a modern server says of itself.
pub(crate) fn discovered(asked: &Asked) -> HttpResponse {
    result(
        asked,
        &json!({"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private"}),
    )
}

/// One tool.
pub(crate) fn tool(name: &str) -> Value {
    json!({"name": name, "inputSchema": {"type": "object"}})
}
