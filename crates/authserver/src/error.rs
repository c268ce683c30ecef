//! What an OAuth client is told when something is not as it should be.

use std::borrow::Cow;

use serde::Serialize;

/// The error codes of RFC 6749 (sections 4.1.2.1 and 5.2), RFC 7591 (section 3.2.2) and RFC 8707 (section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidTarget,
    AccessDenied,
    InvalidRedirectUri,
    InvalidClientMetadata,
}

/// An error with words for the person who builds the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{description}")]
pub struct Error {
    #[serde(rename = "error")]
    pub code: Code,
    #[serde(rename = "error_description")]
    pub description: Cow<'static, str>,
}

// === impl Code ===

impl Code {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Code::InvalidRequest => "invalid_request",
            Code::InvalidClient => "invalid_client",
            Code::InvalidGrant => "invalid_grant",
            Code::UnsupportedGrantType => "unsupported_grant_type",
            Code::UnsupportedResponseType => "unsupported_response_type",
            Code::InvalidTarget => "invalid_target",
            Code::AccessDenied => "access_denied",
            Code::InvalidRedirectUri => "invalid_redirect_uri",
            Code::InvalidClientMetadata => "invalid_client_metadata",
        }
    }
}

// === impl Error ===

impl Error {
    pub(crate) fn new(code: Code, description: impl Into<Cow<'static, str>>) -> Self {
        Self { code, description: description.into() }
    }

    /// [`Code::InvalidRequest`].
    pub(crate) fn request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidRequest, description)
    }

    /// A parameter that has to be there is not.
    pub fn missing(name: &str) -> Self {
        Self::request(format!("the parameter `{name}` is missing"))
    }

    /// The request is not what it has to be.
    pub fn malformed(description: impl Into<Cow<'static, str>>) -> Self {
        Self::request(description)
    }

    /// Nobody known by that id, or it is not believed.
    pub fn client(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidClient, description)
    }

    /// A code or token that cannot be used (any more).
    pub fn grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidGrant, description)
    }

    /// The person said no.
    pub fn denied() -> Self {
        Self::new(Code::AccessDenied, "the person did not allow it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_of_a_code_is_the_one_in_the_document() {
        for code in [Code::InvalidRequest, Code::InvalidTarget, Code::InvalidRedirectUri] {
            assert_eq!(serde_json::json!(code), code.as_str());
        }
    }
}
