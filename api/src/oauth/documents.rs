//! Documents by which clients find the way. They are the same for an organisation that is not there.

use actix_web::{HttpRequest, HttpResponse, http::header::CACHE_CONTROL, web::Data};
use serde_json::Value;

use super::{slug, to_everybody};
use crate::http::{error::not_found, server::State};

/// The authorization server's metadata.
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server/oauth/{organisation}", tag = "oauth",
    params(("organisation" = String, Path, description = "Slug of the organisation")),
    responses((status = 200, description = "RFC 8414", content_type = "application/json")),
)]
pub(crate) async fn server(request: HttpRequest, state: Data<State>) -> HttpResponse {
    match slug(&request) {
        Some(slug) => document(&state.control.issuer(&slug).document()),
        None => not_found(request).await,
    }
}

/// The MCP endpoint's metadata as a protected resource.
#[utoipa::path(get, path = "/.well-known/oauth-protected-resource/t/{organisation}/mcp", tag = "oauth",
    params(("organisation" = String, Path, description = "Slug of the organisation")),
    responses((status = 200, description = "RFC 9728", content_type = "application/json")),
)]
pub(crate) async fn resource(request: HttpRequest, state: Data<State>) -> HttpResponse {
    match slug(&request) {
        Some(slug) => document(&state.control.issuer(&slug).resource_document()),
        None => not_found(request).await,
    }
}

/// The keys that sign access tokens.
#[utoipa::path(get, path = "/oauth/{organisation}/jwks", tag = "oauth",
    params(("organisation" = String, Path, description = "Slug of the organisation")),
    responses((status = 200, description = "RFC 7517", content_type = "application/json")),
)]
pub(crate) async fn keys(state: Data<State>) -> HttpResponse {
    document(&state.control.signing_keys())
}

fn document(value: &Value) -> HttpResponse {
    let response =
        HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).json(value);
    to_everybody(response)
}
