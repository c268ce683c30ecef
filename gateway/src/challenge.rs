//! What a client without a sufficient credential is told in `WWW-Authenticate` (RFC 6750 section 3, RFC 9728 section 5.1): where
//! it learns how to get one.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};

use crate::Inner;

/// Longest slug that a tenant can have.
const MAX_SLUG: usize = 40;

/// A challenge to the sender of one request.
pub(crate) struct Challenge {
    /// Of the path, if it can be one: it is repeated in a header.
    slug: Option<String>,
    /// Something was shown, and it did not do.
    shown: bool,
}

// === impl Challenge ===

impl Challenge {
    pub(crate) fn of(request: &HttpRequest, slug: &str) -> Self {
        let slug = Some(slug).filter(|slug| is_slug(slug)).map(str::to_owned);
        Self { slug, shown: request.headers().contains_key(header::AUTHORIZATION) }
    }

    /// Puts it into an answer of 401 or 403.
    pub(crate) fn put(&self, response: &mut HttpResponse, gateway: &Inner) {
        let error = match response.status() {
            StatusCode::UNAUTHORIZED if self.shown => Some("invalid_token"),
            StatusCode::UNAUTHORIZED => None,
            StatusCode::FORBIDDEN if self.shown => Some("insufficient_scope"),
            _ => return,
        };
        let error = error.map_or_else(String::new, |word| format!(", error=\"{word}\""));
        let found = self.slug.as_ref().map_or_else(String::new, |slug| {
            let url = gateway.control.issuer(slug).resource_metadata_url();
            format!(", resource_metadata=\"{url}\", scope=\"mcp\"")
        });
        let text = format!("Bearer realm=\"patchbay\"{error}{found}");
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
    }
}

fn is_slug(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_SLUG).contains(&text.len()) && text.bytes().all(plain)
}
