//! The session cookie.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
};
use domain::Session;

use super::csrf::Site;

const NAME: &str = "patchbay_session";
/// The prefix makes browsers refuse the cookie unless it is Secure, host-only and for every path (RFC 6265bis, section 4.1.3.2).
const HOST_NAME: &str = "__Host-patchbay_session";

/// The session token that a browser sent.
pub(crate) fn token(request: &HttpRequest, site: &Site) -> Option<String> {
    request.cookie(name(site)).map(|cookie| cookie.value().to_owned())
}

/// The cookie for a fresh session; it ends with the session.
pub(crate) fn cookie(site: &Site, token: &str, session: &Session) -> Cookie<'static> {
    let lifetime = (session.expires_at - session.created_at).num_seconds();
    build(site, token.to_owned(), Duration::seconds(lifetime))
}

/// The cookie that makes a browser forget the session.
pub(crate) fn removal(site: &Site) -> Cookie<'static> {
    build(site, String::new(), Duration::ZERO)
}

fn build(site: &Site, value: String, lifetime: Duration) -> Cookie<'static> {
    Cookie::build(name(site), value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(site.https())
        .max_age(lifetime)
        .finish()
}

fn name(site: &Site) -> &'static str {
    if site.https() { HOST_NAME } else { NAME }
}
