//! The mirrored headers of a modern request: they must say what the body says, because something between client and us may
//! have decided by them (specification 2026-07-28, basic/transports/streamable-http).

use std::borrow::Cow;

use actix_web::http::header::HeaderMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::request::Message;

pub(crate) const REVISION: &str = "mcp-protocol-version";
pub(crate) const SESSION: &str = "mcp-session-id";
pub(crate) const METHOD: &str = "mcp-method";
pub(crate) const NAME: &str = "mcp-name";
/// Start of the headers that mirror tool arguments.
pub(crate) const PARAM_PREFIX: &str = "mcp-param-";

const SENTINEL_START: &str = "=?base64?";
const SENTINEL_END: &str = "?=";

/// What is wrong with the headers.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderError {
    #[error("the header `{0}` appears more than once")]
    Duplicate(&'static str),
    #[error("the header `{0}` is missing")]
    Missing(&'static str),
    #[error("the header `{0}` cannot be read")]
    Malformed(&'static str),
    #[error("the header `{0}` does not say what the body says")]
    Mismatch(&'static str),
}

/// A header that may appear once.
pub(crate) fn single<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<Option<&'a str>, HeaderError> {
    let mut values = headers.get_all(name);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(HeaderError::Duplicate(name));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text.trim_matches([' ', '\t']))),
        Err(_) => Err(HeaderError::Malformed(name)),
    }
}

/// Checks `Mcp-Method` and `Mcp-Name` of a modern request against its body.
pub(crate) fn check_modern(headers: &HeaderMap, message: &Message) -> Result<(), HeaderError> {
    let Message::Request { method, params, .. } = message else { return Ok(()) };
    check(headers, METHOD, Some(method))?;
    match method.as_str() {
        "tools/call" | "prompts/get" => check(headers, NAME, params.name.as_deref()),
        "resources/read" => check(headers, NAME, params.uri.as_deref()),
        _ => Ok(()),
    }
}

fn check(headers: &HeaderMap, name: &'static str, body: Option<&str>) -> Result<(), HeaderError> {
    let header = single(headers, name)?.ok_or(HeaderError::Missing(name))?;
    let said = decode(header).ok_or(HeaderError::Malformed(name))?;
    if body == Some(said.as_ref()) { Ok(()) } else { Err(HeaderError::Mismatch(name)) }
}

/// Reads a value that may be wrapped as `=?base64?…?=`; `None` when the wrapping is broken.
fn decode(value: &str) -> Option<Cow<'_, str>> {
    match value.strip_prefix(SENTINEL_START).and_then(|rest| rest.strip_suffix(SENTINEL_END)) {
        None => Some(Cow::Borrowed(value)),
        Some(wrapped) => {
            let bytes = STANDARD.decode(wrapped).ok()?;
            String::from_utf8(bytes).ok().map(Cow::Owned)
        }
    }
}

/// Writes a value so that it survives a header, wrapping it only when it has to be.
pub(crate) fn encode(value: &str) -> Cow<'_, str> {
    let plain = value.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        && !value.starts_with(' ')
        && !value.ends_with(' ')
        && !value.starts_with(SENTINEL_START);
    if plain {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(format!("{SENTINEL_START}{}{SENTINEL_END}", STANDARD.encode(value)))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};
    use bytes::Bytes;

    use super::*;

    fn call(name: &str) -> Message {
        let text = serde_json::json!({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":name}});
        Message::parse(&Bytes::from(text.to_string())).expect("a message")
    }

    fn headers(method: &str, name: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (header, value) in [(METHOD, method), (NAME, name)] {
            headers.insert(
                HeaderName::from_static(header),
                HeaderValue::from_str(value).expect("a value"),
            );
        }
        headers
    }

    #[test]
    fn header_body_mismatch_is_refused() {
        assert_eq!(check_modern(&headers("tools/call", "a__b"), &call("a__b")), Ok(()));
        assert_eq!(
            check_modern(&headers("tools/list", "a__b"), &call("a__b")),
            Err(HeaderError::Mismatch(METHOD))
        );
        assert_eq!(
            check_modern(&headers("tools/call", "a__B"), &call("a__b")),
            Err(HeaderError::Mismatch(NAME))
        );
        assert_eq!(check_modern(&HeaderMap::new(), &call("a")), Err(HeaderError::Missing(METHOD)));
    }

    #[test]
    fn wrapped_name_is_decoded_before_it_is_compared() {
        let name = "wetter_für_münchen";
        let wrapped = encode(name);
        assert!(wrapped.starts_with(SENTINEL_START));
        assert_eq!(check_modern(&headers("tools/call", &wrapped), &call(name)), Ok(()));
        assert_eq!(
            check_modern(&headers("tools/call", "=?base64?***?="), &call(name)),
            Err(HeaderError::Malformed(NAME))
        );
        let looks_wrapped = "=?base64?YQ==?=";
        assert_eq!(
            check_modern(&headers("tools/call", &encode(looks_wrapped)), &call(looks_wrapped)),
            Ok(())
        );
    }

    #[test]
    fn duplicated_header_is_refused() {
        let mut headers = headers("tools/call", "a");
        headers.append(HeaderName::from_static(NAME), HeaderValue::from_static("a"));
        assert_eq!(check_modern(&headers, &call("a")), Err(HeaderError::Duplicate(NAME)));
    }
}
