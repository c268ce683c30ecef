//! One JSON-RPC exchange with a remote server over Streamable HTTP: a request out, its response back, whether it comes as JSON
//! or in a stream of events. Nothing is sent twice here.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use domain::{SecretString, secret::ExposeSecret};
use egress::{Body, Egress, Limits};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use serde_json::value::RawValue;

use super::sse::EventReader;
use crate::mcp::{
    json::{Members, ObjectWriter, text},
    reply::RpcError,
};

const ACCEPT: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const SESSION: &str = "mcp-session-id";
/// Largest error answer that is looked at.
const MAX_ERROR_TEXT: usize = 1000;

/// Where a remote server is and how it lets us in.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) url: &'a str,
    pub(crate) bearer: Option<&'a SecretString>,
}

/// What is sent.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: &'a str,
    /// `params` as JSON.
    pub(crate) params: Option<Bytes>,
    pub(crate) headers: Vec<(&'a str, String)>,
    pub(crate) limits: Limits,
}

/// What came back to a request.
pub(crate) struct Incoming {
    pub(crate) result: Bytes,
    /// A session that the server opened with this answer.
    pub(crate) session: Option<String>,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    /// 401: the credential is missing, wrong or no longer good.
    #[error("the remote server refused the credential")]
    Unauthorized,
    #[error("the remote server could not be reached")]
    Egress(#[from] egress::Error),
    /// A JSON-RPC error with the HTTP status that it came with.
    #[error("the remote server answered with an error: {}", error.message)]
    Rpc { status: StatusCode, error: RpcError },
    /// A status without a JSON-RPC body.
    #[error("the remote server answered with HTTP status {0}")]
    Status(StatusCode),
    #[error("the remote server's answer is not MCP")]
    Protocol,
    #[error("the remote server cannot be called this way")]
    Request(#[source] http::Error),
    #[error("the remote server did not answer in time")]
    Timeout,
    #[error("the credential of the install could not be opened")]
    Credential(#[source] control::Error),
    /// A failure of a moment ago is still believed.
    #[error("the remote server failed a moment ago")]
    FailedRecently,
}

/// Sends requests under ids of its own, so that no two clients' ids can ever meet at an upstream.
pub(crate) struct Wire {
    egress: Egress,
    next_id: AtomicU64,
}

// === impl Wire ===

impl Wire {
    pub(crate) const fn new(egress: Egress) -> Self {
        Self { egress, next_id: AtomicU64::new(1) }
    }

    /// Sends a request and waits for its response. Dropping the future closes the connection, which cancels in the modern era.
    pub(crate) async fn request(
        &self,
        site: Site<'_>,
        outgoing: Outgoing<'_>,
    ) -> Result<Incoming, RemoteError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed).to_string();
        let limits = outgoing.limits;
        let request = build(site, &outgoing, Some(&id))?;
        let answer = self.egress.stream(request, &limits).await?;
        let status = answer.status();
        if status == StatusCode::UNAUTHORIZED {
            return Err(RemoteError::Unauthorized);
        }
        let session = header_text(answer.headers(), SESSION);
        let streamed = is_event_stream(answer.headers());
        let found = if streamed && status.is_success() {
            from_events(answer.into_body(), &id).await?
        } else {
            from_json(answer, &id).await?
        };
        match found {
            Some(Ok(result)) if status.is_success() => Ok(Incoming { result, session }),
            Some(Err(error)) => Err(RemoteError::Rpc { status, error }),
            _ if !status.is_success() => Err(RemoteError::Status(status)),
            _ => Err(RemoteError::Protocol),
        }
    }

    /// Sends a notification.
    pub(crate) async fn notify(
        &self,
        site: Site<'_>,
        outgoing: Outgoing<'_>,
    ) -> Result<(), RemoteError> {
        let request = build(site, &outgoing, None)?;
        let answer = self.egress.send(request, &outgoing.limits).await?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(RemoteError::Status(answer.status()))
        }
    }
}

fn build(
    site: Site<'_>,
    outgoing: &Outgoing<'_>,
    id: Option<&str>,
) -> Result<Request<Bytes>, RemoteError> {
    let params = outgoing.params.as_deref();
    let mut body = ObjectWriter::with_capacity(params.map_or(0, <[u8]>::len) + 96);
    body.text("jsonrpc", "2.0");
    if let Some(id) = id {
        body.raw("id", id.as_bytes());
    }
    body.text("method", outgoing.method);
    if let Some(params) = params {
        body.raw("params", params);
    }
    let mut request =
        Request::post(site.url).header(header::CONTENT_TYPE, JSON).header(header::ACCEPT, ACCEPT);
    for (name, value) in &outgoing.headers {
        request = request.header(*name, value);
    }
    if let Some(bearer) = site.bearer {
        let mut value = HeaderValue::try_from(format!("Bearer {}", bearer.expose_secret()))
            .map_err(|source| RemoteError::Request(source.into()))?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    request.body(body.finish().into()).map_err(RemoteError::Request)
}

async fn from_events(
    mut body: Body,
    id: &str,
) -> Result<Option<Result<Bytes, RpcError>>, RemoteError> {
    let mut reader = EventReader::default();
    while let Some(piece) = body.next().await {
        for event in reader.push(&piece?) {
            // Whatever else the server says on the way (progress, logs) has nowhere to go yet.
            if let Some(found) = response(&Bytes::from(event), id) {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

async fn from_json(
    answer: Response<Body>,
    id: &str,
) -> Result<Option<Result<Bytes, RpcError>>, RemoteError> {
    let mut body = answer.into_body();
    let mut whole = BytesMut::new();
    while let Some(piece) = body.next().await {
        whole.extend_from_slice(&piece?);
    }
    Ok(response(&whole.freeze(), id))
}

/// The response to `id` in a message. An error whose id is `null` is taken too: a server says that of a request that it could
/// not read, and there is only one request in this exchange.
fn response(message: &Bytes, id: &str) -> Option<Result<Bytes, RpcError>> {
    let members = Members::parse(message).ok()?;
    let answered = members.get("id").map(RawValue::get);
    if let Some(error) = members.get("error") {
        let about_us = matches!(answered, None | Some("null")) || answered == Some(id);
        return about_us.then(|| Err(rpc_error(error)));
    }
    let result = members.get("result").filter(|_| answered == Some(id))?;
    result.get().starts_with('{').then(|| Ok(message.slice_ref(result.get().as_bytes())))
}

fn rpc_error(raw: &RawValue) -> RpcError {
    let members = Members::parse(raw.get().as_bytes()).unwrap_or_default();
    let code = members.get("code").and_then(|code| code.get().parse().ok()).unwrap_or(-32603);
    let message = members.get("message").and_then(|message| text(message).ok());
    let message = message.map_or_else(
        || "the remote server gave no reason".to_owned(),
        |message| message.chars().take(MAX_ERROR_TEXT).collect(),
    );
    let data = members.get("data").and_then(|data| serde_json::from_str(data.get()).ok());
    RpcError { code, message, data }
}

fn header_text(headers: &HeaderMap, name: &'static str) -> Option<String> {
    let value = headers.get(HeaderName::from_static(name))?;
    value.to_str().ok().map(str::to_owned)
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim_start().starts_with("text/event-stream"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Option<Result<Bytes, RpcError>> {
        response(&Bytes::from_static(text.as_bytes()), "7")
    }

    #[test]
    fn only_the_response_to_our_own_id_is_taken() {
        let result = read(r#"{"jsonrpc":"2.0","id":7,"result":{"a":1.0}}"#);
        assert_eq!(result, Some(Ok(Bytes::from_static(br#"{"a":1.0}"#))));
        assert_eq!(read(r#"{"jsonrpc":"2.0","id":"7","result":{}}"#), None);
        assert_eq!(read(r#"{"jsonrpc":"2.0","id":8,"result":{}}"#), None);
        assert_eq!(read(r#"{"jsonrpc":"2.0","method":"notifications/progress"}"#), None);
        assert!(matches!(
            read(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#),
            Some(Err(RpcError { code: -32600, .. }))
        ));
    }
}
