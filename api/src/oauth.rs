//! The authorization server for AI clients, at `/oauth/{organisation}`: documents, the consent page, and what machines ask.

pub(crate) mod authorize;
mod consent;
pub(crate) mod documents;
pub(crate) mod token;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, HeaderValue,
            RETRY_AFTER,
        },
    },
    web::{self, ServiceConfig},
};
use control::{OauthError, OauthRefusal, PROTECTED_RESOURCE_PATH};
use serde_json::json;

use crate::{
    error::refused,
    http::error::{method_not_allowed, problem, request_id},
};

const ROOT: &str = "/oauth/";
/// Longest form or registration.
const MAX_BODY: usize = 16 * 1024;
/// Longest slug of an organisation.
const MAX_SLUG: usize = 40;

/// What pages of any origin may ask: it is public, or the request itself carries what it is asked with.
const OPEN: [&str; 4] = ["token", "register", "revoke", "jwks"];

/// Whether a path is one of those.
pub(crate) fn is_open(path: &str) -> bool {
    let Some((_, last)) = path.strip_prefix(ROOT).and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    OPEN.contains(&last)
}

/// Adds the routes.
pub(crate) fn configure(routes: &mut ServiceConfig) {
    let at = |path: &str| {
        web::resource(path)
            .app_data(web::PayloadConfig::default().limit(MAX_BODY))
            .default_service(web::to(method_not_allowed))
    };
    let open =
        |path: &str| at(path).route(web::method(actix_web::http::Method::OPTIONS).to(preflight));
    let server = [
        "/.well-known/oauth-authorization-server/oauth/{organisation}",
        "/.well-known/openid-configuration/oauth/{organisation}",
        "/oauth/{organisation}/.well-known/openid-configuration",
        "/oauth/{organisation}/.well-known/oauth-authorization-server",
    ];
    for path in server {
        routes.service(open(path).route(web::get().to(documents::server)));
    }
    let resource = format!("{PROTECTED_RESOURCE_PATH}/t/{{organisation}}/mcp");
    routes
        .service(open(&resource).route(web::get().to(documents::resource)))
        .service(open("/oauth/{organisation}/jwks").route(web::get().to(documents::keys)))
        .service(open("/oauth/{organisation}/token").route(web::post().to(token::exchange)))
        .service(open("/oauth/{organisation}/revoke").route(web::post().to(token::revoke)))
        .service(open("/oauth/{organisation}/register").route(web::post().to(token::register)))
        .service(
            at("/oauth/{organisation}/authorize")
                .route(web::get().to(authorize::ask))
                .route(web::post().to(authorize::decide)),
        );
}

/// What a browser asks before it lets a page ask us.
async fn preflight() -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    response
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type, MCP-Protocol-Version"))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "600"));
    to_everybody(response.finish())
}

/// Lets pages of every origin read an answer.
fn to_everybody(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// The organisation of a path, if it can be the name of one: documents repeat it.
fn slug(request: &HttpRequest) -> Option<String> {
    let slug = request.match_info().get("organisation").unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = (1..=MAX_SLUG).contains(&slug.len()) && slug.bytes().all(plain);
    fits.then(|| slug.to_owned())
}

/// An error as OAuth writes it (RFC 6749, section 5.2).
fn said(error: &OauthError) -> HttpResponse {
    let status = match error.code {
        // Clients register again when they hear this.
        control::OauthCode::InvalidClient => StatusCode::UNAUTHORIZED,
        _ => StatusCode::BAD_REQUEST,
    };
    HttpResponse::build(status).insert_header((CACHE_CONTROL, "no-store")).json(error)
}

/// A refusal for a machine.
fn refusal(error: &OauthRefusal, request: &HttpRequest) -> HttpResponse {
    let response = match error {
        OauthRefusal::Client(error) => said(error),
        OauthRefusal::Other(control::Error::Limited { retry_after }) => {
            HttpResponse::TooManyRequests()
                .insert_header((RETRY_AFTER, retry_after.as_secs().max(1)))
                .json(json!({ "error": "temporarily_unavailable",
                    "error_description": "too many new clients register here: try again later" }))
        }
        OauthRefusal::Other(error) => {
            let id = request_id(request);
            problem(refused(error, &id), &id)
        }
    };
    to_everybody(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_no_cookie_is_open_to_pages_of_other_origins() {
        for open in ["/oauth/acme/token", "/oauth/acme/register", "/oauth/acme/revoke"] {
            assert!(is_open(open), "{open}");
        }
        for closed in ["/oauth/acme/authorize", "/oauth/token", "/graphql", "/oauth/acme/token/x"] {
            assert!(!is_open(closed), "{closed}");
        }
    }
}
