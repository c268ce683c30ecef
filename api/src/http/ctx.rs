//! Who asks: request ids, and from a cookie or a key to an [`OpCtx`].

use actix_web::{
    HttpRequest,
    http::header::{AUTHORIZATION, HeaderMap},
};
use control::Control;
use domain::{OpCtx, SecretString, secret::ExposeSecret};
use uuid::Uuid;

use super::{csrf::Site, session};
use crate::error::{Refused, refused};

/// Header that carries the request id both ways.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// The name of one request in logs, traces, audit and answers.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(String);

/// What a caller showed, kept so that a long connection can ask again whether it still holds.
pub(crate) enum Credential {
    /// Session token of a browser: needs proof that a request comes from our own pages.
    Session(SecretString),
    /// API key: no browser sends one by itself.
    Key(SecretString),
}

// === impl RequestId ===

impl RequestId {
    /// The id that the client gave, if it is well-formed, else a fresh one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        match given {
            Some(id) if well_formed(id) => Self(id.to_owned()),
            _ => Self(Uuid::now_v7().to_string()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Short and without anything that means something in a log or a header.
fn well_formed(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (8..=64).contains(&id.len()) && id.bytes().all(fits)
}

// === impl Credential ===

impl Credential {
    /// What the request shows: a bearer key if there is one, else the session cookie.
    ///
    /// # Errors
    /// 401 when it shows neither.
    pub(crate) fn of(request: &HttpRequest, site: &Site) -> Result<Self, Refused> {
        match request.headers().get(AUTHORIZATION) {
            Some(header) => {
                header.to_str().ok().and_then(Self::bearer).ok_or_else(Refused::unauthenticated)
            }
            None => session::token(request, site)
                .map(|token| Self::Session(token.into()))
                .ok_or_else(Refused::unauthenticated),
        }
    }

    /// The key in `Bearer …` (RFC 6750, section 2.1).
    pub(crate) fn bearer(header: &str) -> Option<Self> {
        let (scheme, key) = header.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| Self::Key(key.trim().to_owned().into()))
    }

    /// Asks whose it is, now.
    ///
    /// # Errors
    /// 401 when it is nobody's, or no longer.
    pub(crate) async fn authenticate(
        &self,
        control: &Control,
        request_id: &str,
    ) -> Result<OpCtx, Refused> {
        let found = match self {
            Self::Session(token) => control.by_session(token.expose_secret(), request_id).await,
            Self::Key(key) => control.by_api_key(key.expose_secret(), request_id).await,
        };
        found.map_err(|error| match error {
            control::Error::NotFound | control::Error::Unauthenticated => {
                Refused::unauthenticated()
            }
            other => refused(&other, request_id),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_id_is_taken_over_only_when_it_is_harmless() {
        assert!(well_formed("0192f3c4-aaaa-7bbb"));
        for id in ["short", "with space here", "line\nbreak-in-it", &"x".repeat(65), "ünïcode-id"]
        {
            assert!(!well_formed(id), "{id}");
        }
    }

    #[test]
    fn only_the_bearer_scheme_is_a_key() {
        assert!(matches!(Credential::bearer("bearer pb_live_x"), Some(Credential::Key(_))));
        assert!(Credential::bearer("Basic dXNlcg==").is_none());
        assert!(Credential::bearer("pb_live_x").is_none());
    }
}
