//! Finds out which era of MCP a server speaks and what it has: the modern request first, `initialize` when the answer is no modern one.

use connector_sdk::{ConnectorError, Context};
use serde_json::{Value, json};
use url::Url;

use super::wire::{Answer, Wire};

/// What a server said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) version: String,
    /// MCP revision that was agreed on.
    pub(super) revision: String,
    pub(super) tools: usize,
    /// The list went on when the check had seen enough.
    pub(super) has_more_tools: bool,
}

const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";
/// Errors that only a modern server gives: header mismatch, missing capability, unsupported version.
const MODERN_ERRORS: std::ops::RangeInclusive<i64> = -32022..=-32020;
/// Pages of the tool list that the check reads.
const MAX_PAGES: usize = 20;

/// Greets the server and counts its tools.
pub(super) async fn greet(cx: &Context, url: &Url) -> Result<Server, ConnectorError> {
    let wire = Wire { cx, url, headers: modern_headers("server/discover") };
    let answer = wire.request("server/discover", &json!({"_meta": meta()})).await?;
    if let Some(result) = answer.result() {
        let supported = result["supportedVersions"].as_array();
        // A server may answer `discover` and still not serve the modern revision.
        let is_modern = supported.is_some_and(|all| all.iter().any(|one| one == MODERN));
        return if is_modern { modern(cx, url, result).await } else { legacy(cx, url).await };
    }
    match answer.error_code() {
        Some(code) if MODERN_ERRORS.contains(&code) => Err(ConnectorError::permanent(format!(
            "The server does not accept revision {MODERN} of MCP (error {code})."
        ))),
        // It knows the modern era by its status, but has no `server/discover`, which every modern server must have.
        Some(-32601) if answer.status.as_u16() == 404 => Err(ConnectorError::permanent(
            "The server is no complete MCP server: it does not know `server/discover`.",
        )),
        _ => legacy(cx, url).await,
    }
}

async fn modern(cx: &Context, url: &Url, discovered: &Value) -> Result<Server, ConnectorError> {
    let info = &discovered["_meta"]["io.modelcontextprotocol/serverInfo"];
    let info = if info.is_object() { info } else { &discovered["serverInfo"] };
    let wire = Wire { cx, url, headers: modern_headers("tools/list") };
    let has_tools = discovered["capabilities"]["tools"].is_object();
    let (tools, has_more_tools) =
        if has_tools { count_tools(&wire, Some(&meta())).await? } else { (0, false) };
    Ok(server(info, MODERN, tools, has_more_tools))
}

async fn legacy(cx: &Context, url: &Url) -> Result<Server, ConnectorError> {
    let wire = Wire { cx, url, headers: Vec::new() };
    let params =
        json!({"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client_info()});
    let answer = wire.request("initialize", &params).await?;
    let Some(result) = answer.result() else { return Err(not_mcp(&answer)) };
    let Some(revision) = result["protocolVersion"].as_str() else { return Err(not_mcp(&answer)) };
    let mut headers = vec![("mcp-protocol-version", revision.to_owned())];
    let session = answer.header("mcp-session-id");
    headers.extend(session.clone().map(|id| ("mcp-session-id", id)));
    let wire = Wire { cx, url, headers };
    let counted = async {
        wire.notify("notifications/initialized").await?;
        let has_tools = result["capabilities"]["tools"].is_object();
        if has_tools { count_tools(&wire, None).await } else { Ok((0, false)) }
    }
    .await;
    if session.is_some() {
        wire.end_session().await;
    }
    let (tools, has_more_tools) = counted?;
    Ok(server(&result["serverInfo"], revision, tools, has_more_tools))
}

/// Counts the tools over the pages of the list; the flag says whether the list went on.
async fn count_tools(
    wire: &Wire<'_>,
    meta: Option<&Value>,
) -> Result<(usize, bool), ConnectorError> {
    let mut count = 0;
    let mut params = json!({});
    if let Some(meta) = meta {
        params["_meta"] = meta.clone();
    }
    for _ in 0..MAX_PAGES {
        let answer = wire.request("tools/list", &params).await?;
        let Some(result) = answer.result() else { return Err(not_mcp(&answer)) };
        let Some(tools) = result["tools"].as_array() else { return Err(not_mcp(&answer)) };
        count += tools.len();
        match result.get("nextCursor").and_then(Value::as_str) {
            Some(cursor) => params["cursor"] = json!(cursor),
            None => return Ok((count, false)),
        }
    }
    Ok((count, true))
}

fn server(info: &Value, revision: &str, tools: usize, has_more_tools: bool) -> Server {
    let text = |field: &str, otherwise: &str| {
        let text = info[field].as_str().unwrap_or(otherwise);
        text.chars().filter(|c| !c.is_control()).take(100).collect()
    };
    let name = text("name", "A server without a name");
    let version = text("version", "(no version)");
    Server { name, version, revision: revision.to_owned(), tools, has_more_tools }
}

fn not_mcp(answer: &Answer) -> ConnectorError {
    let status = answer.status.as_u16();
    let message = match answer.error_code() {
        Some(code) => format!("The server refuses the handshake (status {status}, error {code})."),
        None => format!(
            "This is no MCP server: it answers with status {status} and no JSON-RPC message."
        ),
    };
    ConnectorError::permanent(message)
}

fn modern_headers(method: &str) -> Vec<(&'static str, String)> {
    vec![("mcp-protocol-version", MODERN.to_owned()), ("mcp-method", method.to_owned())]
}

/// `_meta` of every modern request (MCP 2026-07-28, basic).
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": client_info(),
    })
}

fn client_info() -> Value {
    json!({"name": "patchbay", "title": "Patchbay", "version": env!("CARGO_PKG_VERSION")})
}
