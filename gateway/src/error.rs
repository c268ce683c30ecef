//! Why a request is refused, and the only map from that to a JSON-RPC error and an HTTP status.

use std::time::Duration;

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use crate::mcp::{
    headers::HeaderError,
    reply::RpcError,
    request::RequestError,
    revision::{self, Era, RevisionError},
};

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const INTERNAL_ERROR: i64 = -32603;
/// 2026-07-28: headers and body disagree.
const HEADER_MISMATCH: i64 = -32020;
/// 2026-07-28: the client lacks a capability that the request needs.
const MISSING_CAPABILITY: i64 = -32021;
/// 2026-07-28: no common revision.
const UNSUPPORTED_REVISION: i64 = -32022;
/// Before 2026-07-28: there is no such resource.
const RESOURCE_NOT_FOUND: i64 = -32002;
/// How long a client should wait for a gateway that stops or starts.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// Why the gateway could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("`gateway.{field}` must be at least 1")]
    Zero { field: &'static str },
}

/// Why a request does not get a result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Revision(#[from] RevisionError),
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the body could not be read")]
    Body,
    #[error("the body did not arrive in time")]
    BodyTimeout,
    #[error("the Content-Type must be application/json")]
    ContentType,
    #[error("the Accept header must list application/json and text/event-stream")]
    NotAcceptable,
    #[error("this web origin may not call here")]
    ForeignOrigin,
    #[error("sign in by OAuth, or send an API key: Authorization: Bearer pb_live_…")]
    Unauthenticated,
    /// The person may, but has not let this client.
    #[error("this client was let read only: this tool changes something and needs the scope `mcp`")]
    InsufficientScope,
    #[error("the Mcp-Session-Id header is missing: call initialize first")]
    SessionMissing,
    #[error("this session does not exist (any more): call initialize again")]
    SessionUnknown,
    #[error("Method not found: {method}")]
    MethodNotFound { method: String },
    /// Also when the caller may not use it: the two must not be told apart.
    #[error("Unknown tool: {name}")]
    UnknownTool { name: String },
    #[error("Unknown prompt: {name}")]
    UnknownPrompt { name: String },
    #[error("Resource not found: {uri}")]
    UnknownResource { uri: String },
    #[error("{message}")]
    InvalidParams { message: &'static str },
    #[error("Invalid cursor")]
    BadCursor,
    #[error("this endpoint offers no standing stream: POST to it")]
    NoStream,
    #[error("too many requests with this API key")]
    LimitReached { retry_after: Duration },
    #[error(
        "the audit log does not keep up, and this organisation wants no call that is not in it: try again"
    )]
    NotNoted,
    #[error("this gateway is stopping: try again")]
    Draining,
    #[error("the routes of this endpoint cannot be read at the moment: try again")]
    NoRoutes,
    #[error("the remote server answered with an error: {}", .0.message)]
    Upstream(RpcError),
    #[error("something went wrong inside Patchbay")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A refusal on the wire.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) status: StatusCode,
    pub(crate) error: RpcError,
}

// === impl Refusal ===

impl Refusal {
    /// The only place that gives a refusal its code and status.
    pub(crate) fn render(&self, era: Era) -> Rendered {
        let (status, code) = self.status_and_code(era);
        let error = match self {
            Self::Upstream(error) => upstream_error(error, era),
            _ => RpcError { code, message: self.to_string(), data: self.data() },
        };
        Rendered { status, error }
    }

    fn status_and_code(&self, era: Era) -> (StatusCode, i64) {
        match self {
            Self::Request(RequestError::Syntax(_)) => (StatusCode::BAD_REQUEST, PARSE_ERROR),
            Self::Request(RequestError::Params { .. })
            | Self::Revision(RevisionError::MissingMeta) => {
                (StatusCode::BAD_REQUEST, INVALID_PARAMS)
            }
            Self::Request(_) | Self::Body | Self::SessionMissing => {
                (StatusCode::BAD_REQUEST, INVALID_REQUEST)
            }
            Self::Revision(RevisionError::Unsupported { .. }) => {
                (StatusCode::BAD_REQUEST, UNSUPPORTED_REVISION)
            }
            Self::Revision(RevisionError::Mismatch) | Self::Header(_) => {
                (StatusCode::BAD_REQUEST, HEADER_MISMATCH)
            }
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, INVALID_REQUEST),
            Self::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, INVALID_REQUEST),
            Self::ContentType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, INVALID_REQUEST),
            Self::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, INVALID_REQUEST),
            Self::ForeignOrigin | Self::InsufficientScope => {
                (StatusCode::FORBIDDEN, INVALID_REQUEST)
            }
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, INVALID_REQUEST),
            Self::SessionUnknown => (StatusCode::NOT_FOUND, INVALID_REQUEST),
            Self::MethodNotFound { .. } if era == Era::Modern => {
                (StatusCode::NOT_FOUND, METHOD_NOT_FOUND)
            }
            Self::MethodNotFound { .. } => (StatusCode::OK, METHOD_NOT_FOUND),
            Self::UnknownResource { .. } if era == Era::Legacy => {
                (StatusCode::OK, RESOURCE_NOT_FOUND)
            }
            Self::UnknownTool { .. }
            | Self::UnknownPrompt { .. }
            | Self::UnknownResource { .. }
            | Self::InvalidParams { .. }
            | Self::BadCursor => (StatusCode::OK, INVALID_PARAMS),
            Self::NoStream => (StatusCode::METHOD_NOT_ALLOWED, INVALID_REQUEST),
            Self::LimitReached { .. } => (StatusCode::TOO_MANY_REQUESTS, INTERNAL_ERROR),
            Self::Draining | Self::NoRoutes | Self::NotNoted => {
                (StatusCode::SERVICE_UNAVAILABLE, INTERNAL_ERROR)
            }
            // 2026-07-28, basic/transports/streamable-http: these two are said by the status, too.
            Self::Upstream(error)
                if era == Era::Modern
                    && matches!(error.code, HEADER_MISMATCH | MISSING_CAPABILITY) =>
            {
                (StatusCode::BAD_REQUEST, error.code)
            }
            Self::Upstream(error) => (StatusCode::OK, error.code),
            Self::Internal(_) => (StatusCode::OK, INTERNAL_ERROR),
        }
    }

    fn data(&self) -> Option<Value> {
        match self {
            Self::Revision(RevisionError::Unsupported { requested }) => {
                Some(json!({"supported": revision::SUPPORTED, "requested": requested}))
            }
            Self::UnknownResource { uri } => Some(json!({"uri": uri})),
            Self::LimitReached { retry_after } => {
                Some(json!({"retryAfterSeconds": whole_seconds(*retry_after)}))
            }
            _ => None,
        }
    }

    /// Seconds for the `Retry-After` header.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::LimitReached { retry_after } => Some(whole_seconds(*retry_after)),
            Self::Draining | Self::NoRoutes | Self::NotNoted => Some(whole_seconds(RETRY_SOON)),
            _ => None,
        }
    }

    /// Word for metrics and spans.
    pub(crate) const fn outcome(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::InsufficientScope => "insufficient_scope",
            Self::LimitReached { .. } => "limited",
            Self::Draining | Self::NoRoutes | Self::NotNoted => "unavailable",
            Self::Upstream(_) => "upstream_error",
            Self::Internal(_) => "internal_error",
            _ => "refused",
        }
    }
}

impl From<control::Error> for Refusal {
    fn from(error: control::Error) -> Self {
        match error {
            control::Error::Limited { retry_after } => Self::LimitReached { retry_after },
            other => Self::Internal(Box::new(other)),
        }
    }
}

/// Codes of an older era must not reach a modern client, nor modern ones a legacy client. What a server says of our own exchange
/// with it (the method, the revision) must reach neither: the client would take it for what this endpoint can do.
fn upstream_error(error: &RpcError, era: Era) -> RpcError {
    let code = match (era, error.code) {
        (_, METHOD_NOT_FOUND | UNSUPPORTED_REVISION) => INTERNAL_ERROR,
        (Era::Modern, RESOURCE_NOT_FOUND) | (Era::Legacy, -32029..=-32020) => INVALID_PARAMS,
        (Era::Modern, -32042) => INTERNAL_ERROR,
        (_, code) => code,
    };
    RpcError { code, ..error.clone() }
}

/// Rounded up, at least one: a client that waits that long is not refused again for the same reason.
fn whole_seconds(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(code: i64, era: Era) -> (u16, i64) {
        let error = RpcError { code, message: "said by the server".to_owned(), data: None };
        let rendered = Refusal::Upstream(error).render(era);
        (rendered.status.as_u16(), rendered.error.code)
    }

    #[test]
    fn error_of_a_server_reaches_each_client_in_the_terms_of_its_own_era() {
        for (code, modern, legacy) in [
            (-32020, (400, -32020), (200, -32602)),
            (-32021, (400, -32021), (200, -32602)),
            (-32022, (200, -32603), (200, -32603)),
            (-32002, (200, -32602), (200, -32002)),
            (-32042, (200, -32603), (200, -32042)),
            (-32601, (200, -32603), (200, -32603)),
            (-32050, (200, -32050), (200, -32050)),
        ] {
            assert_eq!(passed_on(code, Era::Modern), modern, "{code}");
            assert_eq!(passed_on(code, Era::Legacy), legacy, "{code}");
        }
    }

    #[test]
    fn waiting_times_are_whole_seconds_and_never_too_short() {
        let waits = |millis| {
            Refusal::LimitReached { retry_after: Duration::from_millis(millis) }.retry_after()
        };
        assert_eq!((waits(0), waits(1000), waits(1001)), (Some(1), Some(1), Some(2)));
    }
}
