//! Which revision a request is in, decided per request: one URL serves both eras (specification 2026-07-28,
//! basic/versioning), and nothing is remembered per connection.

use super::request::Message;

/// The newest revision that we speak; stateless, `_meta` on every request.
pub(crate) const MODERN: &str = "2026-07-28";
/// The revision offered to clients that initialize.
pub(crate) const LEGACY: &str = "2025-11-25";
/// Served to clients that ask for it: nothing that we answer differs from [`LEGACY`].
const LEGACY_OLDER: &str = "2025-06-18";
/// Everything that we serve, newest first.
pub(crate) const SUPPORTED: &[&str] = &[MODERN, LEGACY, LEGACY_OLDER];

pub(crate) const META_REVISION: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub(crate) const META_CLIENT: &str = "io.modelcontextprotocol/clientInfo";
pub(crate) const META_SERVER: &str = "io.modelcontextprotocol/serverInfo";

/// The two ways of speaking MCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Era {
    /// 2026-07-28: no handshake, no session.
    Modern,
    /// 2025-11-25 and 2025-06-18: `initialize`, then a session.
    Legacy,
}

/// Why no revision could be agreed on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RevisionError {
    #[error("protocol version `{requested}` is not supported")]
    Unsupported { requested: String },
    #[error("the MCP-Protocol-Version header does not say what the body says")]
    Mismatch,
    #[error("`_meta` must carry the protocol version and the client's capabilities")]
    MissingMeta,
}

/// Decides by the `MCP-Protocol-Version` header and the message.
///
/// `initialize` without a version in `_meta` is legacy whatever the header says, because only legacy clients send it; a modern
/// request that calls it is told that there is no such method.
pub(crate) fn decide(header: Option<&str>, message: &Message) -> Result<Era, RevisionError> {
    let Message::Request { method, params, .. } = message else {
        return match header {
            Some(MODERN) => Ok(Era::Modern),
            Some(other) if !SUPPORTED.contains(&other) => Err(unsupported(other)),
            _ => Ok(Era::Legacy),
        };
    };
    let body = params.revision.as_deref();
    match (header, body) {
        (_, None) if method == "initialize" => Ok(Era::Legacy),
        (Some(MODERN), None) => Err(RevisionError::MissingMeta),
        (Some(header), None) if !SUPPORTED.contains(&header) => Err(unsupported(header)),
        (_, None) => Ok(Era::Legacy),
        (None, Some(_)) => Err(RevisionError::Mismatch),
        (Some(header), Some(body)) if header != body => Err(RevisionError::Mismatch),
        (_, Some(MODERN)) if params.has_capabilities => Ok(Era::Modern),
        (_, Some(MODERN)) => Err(RevisionError::MissingMeta),
        (_, Some(body)) if SUPPORTED.contains(&body) => Ok(Era::Legacy),
        (_, Some(body)) => Err(unsupported(body)),
    }
}

/// The revision that a legacy client gets: its own when we serve it, else the newest that knows `initialize`.
pub(crate) fn negotiate(offered: Option<&str>) -> &'static str {
    if offered == Some(LEGACY_OLDER) { LEGACY_OLDER } else { LEGACY }
}

fn unsupported(requested: &str) -> RevisionError {
    RevisionError::Unsupported { requested: requested.chars().take(40).collect() }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn message(method: &str, meta: &str) -> Message {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{meta}}}}}"#);
        Message::parse(&Bytes::from(text)).expect("a message")
    }

    const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

    #[test]
    fn each_request_decides_its_own_era() {
        assert_eq!(decide(Some(MODERN), &message("tools/list", META)), Ok(Era::Modern));
        assert_eq!(decide(None, &message("initialize", "")), Ok(Era::Legacy));
        assert_eq!(decide(Some(MODERN), &message("initialize", "")), Ok(Era::Legacy));
        assert_eq!(decide(Some(MODERN), &message("initialize", META)), Ok(Era::Modern));
        assert_eq!(decide(Some(LEGACY), &message("tools/list", "")), Ok(Era::Legacy));
        assert_eq!(decide(None, &message("tools/list", "")), Ok(Era::Legacy));
    }

    #[test]
    fn header_and_body_must_agree() {
        assert_eq!(decide(None, &message("tools/list", META)), Err(RevisionError::Mismatch));
        assert_eq!(
            decide(Some(LEGACY), &message("tools/list", META)),
            Err(RevisionError::Mismatch)
        );
        assert_eq!(
            decide(Some(MODERN), &message("tools/list", "")),
            Err(RevisionError::MissingMeta)
        );
    }

    #[test]
    fn unknown_revision_is_named() {
        let requested = "2031-01-01".to_owned();
        assert_eq!(
            decide(Some("2031-01-01"), &message("tools/list", "")),
            Err(RevisionError::Unsupported { requested: requested.clone() })
        );
        let meta = META.replace(MODERN, "2031-01-01");
        assert_eq!(
            decide(Some("2031-01-01"), &message("tools/list", &meta)),
            Err(RevisionError::Unsupported { requested })
        );
    }

    #[test]
    fn initialize_never_gets_the_modern_revision() {
        assert_eq!(negotiate(Some(MODERN)), LEGACY);
        assert_eq!(negotiate(Some("2025-06-18")), "2025-06-18");
        assert_eq!(negotiate(None), LEGACY);
    }
}
