//! What clients ask without a person: to be registered, for tokens, and to take a token back.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA},
    web::{Bytes, Data},
};
use control::{OauthError, OauthForm, OauthRefusal, Tokens};
use domain::secret::ExposeSecret;
use serde_json::{Value, json};

use super::{refusal, slug, to_everybody};
use crate::http::{
    error::{not_found, request_id},
    server::State,
};

/// Exchanges a code or a refresh token for an access token.
#[utoipa::path(post, path = "/oauth/{organisation}/token", tag = "oauth",
    params(("organisation" = String, Path, description = "Slug of the organisation")),
    responses(
        (status = 200, description = "RFC 6749, section 5.1", content_type = "application/json"),
        (status = 400, description = "RFC 6749, section 5.2", content_type = "application/json"),
        (status = 401, description = "The client is not known: it registers again", content_type = "application/json"),
    ),
)]
pub(crate) async fn exchange(
    request: HttpRequest,
    body: Bytes,
    state: Data<State>,
) -> HttpResponse {
    let Some(slug) = slug(&request) else { return not_found(request).await };
    let exchanged = async {
        let form = form(&request, &body)?;
        state.control.exchange_token(&slug, &form, &request_id(&request)).await
    };
    match exchanged.await {
        Ok(tokens) => to_everybody(answer(&tokens)),
        Err(error) => refusal(&error, &request),
    }
}

/// Ends what a token was granted for (RFC 7009). A token that is not known is no error.
#[utoipa::path(post, path = "/oauth/{organisation}/revoke", tag = "oauth",
    params(("organisation" = String, Path, description = "Slug of the organisation")),
    responses(
        (status = 200, description = "The token is of no use any more"),
        (status = 400, description = "RFC 6749, section 5.2", content_type = "application/json"),
    ),
)]
pub(crate) async fn revoke(request: HttpRequest, body: Bytes, state: Data<State>) -> HttpResponse {
    let Some(slug) = slug(&request) else { return not_found(request).await };
    let revoked = async {
        let form = form(&request, &body)?;
        state.control.revoke_token(&slug, &form, &request_id(&request)).await
    };
    match revoked.await {
        Ok(()) => to_everybody(HttpResponse::Ok().finish()),
        Err(error) => refusal(&error, &request),
    }
}

/// Registers a client (RFC 7591). Client id metadata documents need no registration and are the better way.
#[utoipa::path(post, path = "/oauth/{organisation}/register", tag = "oauth",
    params(("organisation" = String, Path, description = "Slug of the organisation")),
    responses(
        (status = 201, description = "RFC 7591, section 3.2.1", content_type = "application/json"),
        (status = 400, description = "RFC 7591, section 3.2.2", content_type = "application/json"),
        (status = 429, description = "Too many new clients", content_type = "application/json"),
    ),
)]
pub(crate) async fn register(
    request: HttpRequest,
    body: Bytes,
    state: Data<State>,
) -> HttpResponse {
    let Some(slug) = slug(&request) else { return not_found(request).await };
    let metadata: Value = serde_json::from_slice(&body).unwrap_or_default();
    let id = request_id(&request);
    match state.control.register_client(&slug, &metadata, &id).await {
        Ok(registered) => {
            let mut response = HttpResponse::Created();
            response.insert_header((CACHE_CONTROL, "no-store"));
            to_everybody(response.json(registered))
        }
        Err(error) => refusal(&error, &request),
    }
}

/// The parameters of a form, which comes in no other shape (RFC 6749, appendix B).
fn form(request: &HttpRequest, body: &Bytes) -> Result<OauthForm, OauthRefusal> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    if !essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(OauthError::malformed("send a form: application/x-www-form-urlencoded").into());
    }
    let text =
        std::str::from_utf8(body).map_err(|_| OauthError::malformed("the form is not UTF-8"))?;
    Ok(OauthForm::parse(text)?)
}

fn answer(tokens: &Tokens) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((PRAGMA, "no-cache"))
        .json(json!({
            "access_token": tokens.access.expose_secret(),
            "token_type": "Bearer",
            "expires_in": tokens.expires_in,
            "refresh_token": tokens.refresh.expose_secret(),
            "scope": tokens.scope,
        }))
}
