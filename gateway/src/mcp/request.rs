//! The envelope of a message: `jsonrpc`, `id`, `method` and `params`, borrowed while it is read and kept as slices of
//! the body afterwards. Nothing is copied and no `params` is re-typed.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::json::{self, Members};

/// A JSON-RPC request id, exactly as the client wrote it: big integers and odd strings come back unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(Bytes);

/// What a client sends.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    /// Wants an answer.
    Request { id: RequestId, method: String, params: Box<Params> },
    /// Wants none.
    Notification,
    /// Answers something that a server asked.
    Response,
}

/// `params` of a request, with what every layer needs already looked up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params {
    raw: Option<Bytes>,
    meta: Option<Bytes>,
    arguments: Option<Bytes>,
    pub(crate) name: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) cursor: Option<String>,
    /// `_meta["io.modelcontextprotocol/protocolVersion"]`
    pub(crate) revision: Option<String>,
    /// Whether `_meta["io.modelcontextprotocol/clientCapabilities"]` is an object.
    pub(crate) has_capabilities: bool,
    /// `_meta["io.modelcontextprotocol/clientInfo"].name`
    pub(crate) client: Option<String>,
    /// `_meta.traceparent`
    pub(crate) traceparent: Option<String>,
    /// `params.protocolVersion` of `initialize`
    pub(crate) offered_revision: Option<String>,
}

/// Why a body is no message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("the body is not JSON")]
    Syntax(#[source] serde_json::Error),
    #[error("batches are not supported: send one message per POST")]
    Batch,
    #[error("the body is not a JSON-RPC 2.0 message")]
    Shape(#[source] serde_json::Error),
    #[error("`jsonrpc` must be \"2.0\"")]
    Version { id: Option<RequestId> },
    #[error("`id` must be a string or a number")]
    Id,
    #[error("`method` is missing")]
    NoMethod { id: Option<RequestId> },
    #[error("`params` are not what this method takes")]
    Params {
        id: Option<RequestId>,
        #[source]
        source: serde_json::Error,
    },
}

// === impl RequestId ===

impl RequestId {
    /// The id as JSON.
    pub(crate) fn as_json(&self) -> &[u8] {
        &self.0
    }

    fn read(body: &Bytes, raw: &RawValue) -> Option<Self> {
        let first = raw.get().as_bytes().first()?;
        (*first == b'"' || *first == b'-' || first.is_ascii_digit())
            .then(|| Self(body.slice_ref(raw.get().as_bytes())))
    }
}

// === impl Message ===

impl Message {
    /// Reads the body of a POST.
    pub(crate) fn parse(body: &Bytes) -> Result<Self, RequestError> {
        let envelope = read_envelope(body)?;
        let id = match envelope.get("id") {
            None => None,
            Some(raw) => Some(RequestId::read(body, raw).ok_or(RequestError::Id)?),
        };
        if envelope.get("jsonrpc").map(RawValue::get) != Some("\"2.0\"") {
            return Err(RequestError::Version { id });
        }
        let Some(method) = envelope.get("method") else {
            return if envelope.get("result").is_some() || envelope.get("error").is_some() {
                Ok(Self::Response)
            } else {
                Err(RequestError::NoMethod { id })
            };
        };
        let method = match json::text(method) {
            Ok(method) => method.into_owned(),
            Err(_) => return Err(RequestError::NoMethod { id }),
        };
        let Some(id) = id else { return Ok(Self::Notification) };
        match Params::read(body, envelope.get("params")) {
            Ok(params) => Ok(Self::Request { id, method, params: Box::new(params) }),
            Err(source) => Err(RequestError::Params { id: Some(id), source }),
        }
    }
}

fn read_envelope(body: &Bytes) -> Result<Members<'_>, RequestError> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        return match serde_json::from_slice::<Vec<&RawValue>>(body) {
            Ok(_) => Err(RequestError::Batch),
            Err(source) => Err(RequestError::Syntax(source)),
        };
    }
    Members::parse(body).map_err(|source| {
        if source.is_data() { RequestError::Shape(source) } else { RequestError::Syntax(source) }
    })
}

// === impl Params ===

impl Params {
    fn read(body: &Bytes, raw: Option<&RawValue>) -> Result<Self, serde_json::Error> {
        let Some(raw) = raw else { return Ok(Self::default()) };
        let slice = |raw: &RawValue| body.slice_ref(raw.get().as_bytes());
        let members = Members::parse(raw.get().as_bytes())?;
        let owned = |members: &Members<'_>, name: &str| {
            members.text(name).transpose().map(|text| text.map(std::borrow::Cow::into_owned))
        };
        let mut params = Self {
            raw: Some(slice(raw)),
            meta: members.get("_meta").map(slice),
            arguments: members.get("arguments").map(slice),
            name: owned(&members, "name")?,
            uri: owned(&members, "uri")?,
            cursor: owned(&members, "cursor")?,
            offered_revision: owned(&members, "protocolVersion")?,
            ..Self::default()
        };
        if let Some(meta) = members.get("_meta") {
            let meta = Members::parse(meta.get().as_bytes())?;
            params.revision = owned(&meta, super::revision::META_REVISION)?;
            params.client = meta
                .get(super::revision::META_CLIENT)
                .and_then(|raw| Members::parse(raw.get().as_bytes()).ok())
                .and_then(|client| client.text("name")?.ok().map(std::borrow::Cow::into_owned));
            params.traceparent = owned(&meta, "traceparent")?;
            params.has_capabilities = meta
                .get(super::revision::META_CAPABILITIES)
                .is_some_and(|raw| raw.get().starts_with('{'));
        }
        Ok(params)
    }

    /// `params.arguments` as JSON; `{}` when the client left it out.
    pub(crate) fn arguments(&self) -> &[u8] {
        self.arguments.as_deref().unwrap_or(b"{}")
    }

    /// As [`Params::arguments`], to be kept.
    pub(crate) fn shared_arguments(&self) -> Bytes {
        self.arguments.clone().unwrap_or(Bytes::from_static(b"{}"))
    }

    /// All of `params`.
    pub(crate) fn members(&self) -> Members<'_> {
        self.raw.as_deref().and_then(|raw| Members::parse(raw).ok()).unwrap_or_default()
    }

    /// `params._meta`.
    pub(crate) fn meta(&self) -> Members<'_> {
        self.meta.as_deref().and_then(|raw| Members::parse(raw).ok()).unwrap_or_default()
    }
}

// === impl RequestError ===

impl RequestError {
    /// The id of the faulty request when it could be read: the error answers under it.
    pub(crate) fn id(&self) -> Option<&RequestId> {
        match self {
            Self::Version { id } | Self::NoMethod { id } | Self::Params { id, .. } => id.as_ref(),
            Self::Syntax(_) | Self::Batch | Self::Shape(_) | Self::Id => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Message, RequestError> {
        Message::parse(&Bytes::copy_from_slice(text.as_bytes()))
    }

    fn id_of(text: &str) -> String {
        match parse(text) {
            Ok(Message::Request { id, .. }) => {
                String::from_utf8(id.as_json().to_vec()).expect("JSON is UTF-8")
            }
            other => panic!("no request: {other:?}"),
        }
    }

    #[test]
    fn ids_are_kept_exactly() {
        for id in ["1", "\"1\"", "123456789012345678901234567890", "\"a\\u0062\"", "-7"] {
            assert_eq!(id_of(&format!(r#"{{"jsonrpc":"2.0","id": {id} ,"method":"ping"}}"#)), id);
        }
    }

    #[test]
    fn what_is_no_request_says_why() {
        assert!(matches!(parse("{"), Err(RequestError::Syntax(_))));
        assert!(matches!(parse(""), Err(RequestError::Syntax(_))));
        assert!(matches!(
            parse(r#" [{"jsonrpc":"2.0","id":1,"method":"ping"}]"#),
            Err(RequestError::Batch)
        ));
        assert!(matches!(parse("3"), Err(RequestError::Shape(_))));
        assert!(matches!(
            parse(r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#),
            Err(RequestError::Id)
        ));
        assert!(matches!(
            parse(r#"{"jsonrpc":"2.0","id":{},"method":"a"}"#),
            Err(RequestError::Id)
        ));
        assert!(matches!(
            parse(r#"{"jsonrpc":"1.0","id":1,"method":"a"}"#),
            Err(RequestError::Version { .. })
        ));
        assert!(matches!(
            parse(r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#),
            Err(RequestError::Shape(_))
        ));
        assert!(matches!(
            parse(r#"{"jsonrpc":"2.0","id":1,"method":"a","params":[]}"#),
            Err(RequestError::Params { .. })
        ));
    }

    #[test]
    fn arguments_are_the_bytes_of_the_client() {
        let text = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"b": 1.50,"a":[ ]}}}"#;
        let Ok(Message::Request { params, .. }) = parse(text) else { panic!("a request") };
        assert_eq!(params.arguments(), br#"{"b": 1.50,"a":[ ]}"#);
        assert_eq!(params.name.as_deref(), Some("t"));
    }

    proptest! {
        #[test]
        fn envelope_parser_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _outcome = Message::parse(&Bytes::from(bytes));
        }

        #[test]
        fn envelope_parser_never_panics_on_nearly_json(text in r#"[\[\]{}",:0-9a-z\\. -]{0,120}"#) {
            let _outcome = parse(&text);
            let _outcome = parse(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{text}}}"#));
        }
    }
}
