//! One JSON-RPC request over Streamable HTTP, answered as JSON or as an event stream.

use std::time::Duration;

use bytes::Bytes;
use connector_sdk::{ConnectorError, Context};
use egress::Limits;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use url::Url;

/// Limits of one request of the check.
const LIMITS: Limits =
    Limits { timeout: Duration::from_secs(15), max_response_bytes: 4 * 1024 * 1024 };
/// Id of every request: each is on a connection of its own.
const ID: u64 = 1;

/// An answer as far as it can be told apart.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The JSON-RPC message with our id, or without one; `None` if the body holds none.
    pub(super) message: Option<Value>,
}

/// Sends requests to one server.
pub(super) struct Wire<'a> {
    pub(super) cx: &'a Context,
    pub(super) url: &'a Url,
    /// Headers of the revision and the session.
    pub(super) headers: Vec<(&'static str, String)>,
}

// === impl Wire ===

impl Wire<'_> {
    /// Sends a request and waits for its answer.
    pub(super) async fn request(
        &self,
        method: &str,
        params: &Value,
    ) -> Result<Answer, ConnectorError> {
        let body = json!({"jsonrpc": "2.0", "id": ID, "method": method, "params": params});
        self.send(Method::POST, &body.to_string()).await
    }

    /// Sends a notification; its answer says nothing.
    pub(super) async fn notify(&self, method: &str) -> Result<(), ConnectorError> {
        let body = json!({"jsonrpc": "2.0", "method": method});
        self.send(Method::POST, &body.to_string()).await.map(|_| ())
    }

    /// Ends the session, if the server made one.
    pub(super) async fn end_session(&self) {
        if let Err(error) = self.send(Method::DELETE, "").await {
            tracing::debug!(%error, "A session at a remote MCP server was not ended");
        }
    }

    async fn send(&self, method: Method, body: &str) -> Result<Answer, ConnectorError> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(token) = self.cx.secret("bearer_token") {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Bytes::copy_from_slice(body.as_bytes())).map_err(|_| {
            ConnectorError::config("url", "Address or token hold characters that cannot be sent.")
        })?;
        let response = self.cx.egress.send(request, &LIMITS).await.map_err(unreachable)?;
        Answer::read(response)
    }
}

fn unreachable(error: egress::Error) -> ConnectorError {
    match error {
        egress::Error::Forbidden { host } => ConnectorError::config(
            "url",
            format!(
                "{host} is in a private network, and this server may not connect there: ask the operator to set \
                 `egress.allow_private_networks`."
            ),
        ),
        egress::Error::TooLarge { .. } => {
            ConnectorError::permanent("The server's answer is too large for an MCP server's.")
        }
        error => {
            ConnectorError::transient(format!("The server cannot be reached: {error}."), error)
        }
    }
}

// === impl Answer ===

impl Answer {
    fn read(response: Response<Bytes>) -> Result<Self, ConnectorError> {
        let (parts, body) = response.into_parts();
        let status = parts.status;
        if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
            return Err(ConnectorError::auth(
                "The server wants a token, or another one: look at `Bearer token`.",
            ));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(ConnectorError::RateLimited { retry_after: Duration::from_mins(1) });
        }
        if status.is_redirection() {
            return Err(ConnectorError::config(
                "url",
                "The server moved elsewhere: enter the address that it redirects to.",
            ));
        }
        if status.is_server_error() {
            return Err(ConnectorError::Transient {
                message: format!("The server fails with status {}.", status.as_u16()),
                source: None,
            });
        }
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_stream = kind.is_some_and(|kind| kind.trim().starts_with("text/event-stream"));
        let message = if is_stream {
            events(&String::from_utf8_lossy(&body)).find(|message| message["id"] == ID)
        } else {
            serde_json::from_slice(&body).ok()
        };
        Ok(Self { status, headers: parts.headers, message })
    }

    /// The result, if the answer is one.
    pub(super) fn result(&self) -> Option<&Value> {
        self.message.as_ref()?.get("result")
    }

    /// The JSON-RPC error code, if the answer is an error.
    pub(super) fn error_code(&self) -> Option<i64> {
        self.message.as_ref()?["error"]["code"].as_i64()
    }

    /// A header's text.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name)?.to_str().ok().map(ToOwned::to_owned)
    }
}

/// The JSON messages of an event stream (HTML standard, server-sent events).
fn events(body: &str) -> impl Iterator<Item = Value> {
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    let events: Vec<Value> = body
        .split("\n\n")
        .filter_map(|event| {
            let data: Vec<&str> = event
                .lines()
                .filter_map(|line| line.strip_prefix("data:"))
                .map(|data| data.strip_prefix(' ').unwrap_or(data))
                .collect();
            serde_json::from_str(&data.join("\n")).ok()
        })
        .collect();
    events.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_stream_gives_its_messages_in_order() {
        let body = ": hello\r\n\r\nid: 1\r\ndata:\r\n\r\nevent: message\r\ndata: {\"method\":\r\ndata: \"x\"}\r\n\r\ndata:{\"id\":1}\r\n\r\n";
        let found: Vec<Value> = events(body).collect();
        assert_eq!(found, [json!({"method": "x"}), json!({"id": 1})]);
    }
}
