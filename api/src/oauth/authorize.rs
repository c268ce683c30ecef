//! A client sends a person's browser here; the person signs in, reads who wants what, and decides.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::LOCATION,
    web::{Bytes, Data},
};
use control::{Asked, OauthForm};
use domain::OpCtx;
use url::form_urlencoded;

use super::{consent, slug};
use crate::{
    error::{Refused, refused},
    http::{
        error::{not_found, problem, request_id},
        server::State,
        session,
    },
};

/// Shows the consent page, after the person has signed in.
#[utoipa::path(get, path = "/oauth/{organisation}/authorize", tag = "oauth",
    params(
        ("organisation" = String, Path, description = "Slug of the organisation"),
        ("client_id" = String, Query, description = "Of a registration, or the address of a client id metadata document"),
        ("redirect_uri" = String, Query, description = "Where the answer goes"),
        ("response_type" = String, Query, description = "`code`"),
        ("code_challenge" = String, Query, description = "PKCE"),
        ("code_challenge_method" = String, Query, description = "`S256`"),
        ("state" = Option<String>, Query, description = "Comes back with the answer"),
        ("scope" = Option<String>, Query, description = "`mcp`, `mcp:read`, `offline_access`"),
        ("resource" = Option<String>, Query, description = "Address of the MCP endpoint (RFC 8707)"),
    ),
    responses(
        (status = 200, description = "The consent page", content_type = "text/html"),
        (status = 303, description = "To the sign-in page, or to the client with an error"),
        (status = 400, description = "A page: the client or where the answer would go is not to be believed", content_type = "text/html"),
    ),
)]
pub(crate) async fn ask(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let Some(slug) = slug(&request) else { return not_found(request).await };
    let form = match OauthForm::parse(request.query_string()) {
        Ok(form) => form,
        Err(error) => return consent::refused(&error.into(), &request_id(&request)),
    };
    let ctx = match person(&request, &state).await {
        Ok(Some(ctx)) => ctx,
        Ok(None) => return to_sign_in(&request),
        Err(refused) => return problem(refused, &request_id(&request)),
    };
    match state.control.read_authorization(&ctx, &slug, &form).await {
        Ok(Asked::Consent(asked)) => {
            match consent::Consent::of(&state, &ctx, &form, &asked).await {
                Ok(page) => page.show(),
                Err(error) => consent::refused(&error.into(), &request_id(&request)),
            }
        }
        Ok(Asked::Refused(location)) => see_other(&location),
        Err(error) => consent::refused(&error, &request_id(&request)),
    }
}

/// Takes the person's decision and sends the browser back to the client.
#[utoipa::path(post, path = "/oauth/{organisation}/authorize", tag = "oauth",
    params(("organisation" = String, Path, description = "Slug of the organisation")),
    responses(
        (status = 303, description = "To the client, with a code or an error"),
        (status = 400, description = "A page", content_type = "text/html"),
        (status = 403, description = "The form is not one that Patchbay showed to this session", content_type = "text/html"),
    ),
)]
pub(crate) async fn decide(request: HttpRequest, body: Bytes, state: Data<State>) -> HttpResponse {
    let Some(slug) = slug(&request) else { return not_found(request).await };
    let id = request_id(&request);
    let form = match OauthForm::parse(&String::from_utf8_lossy(&body)) {
        Ok(form) => form,
        Err(error) => return consent::refused(&error.into(), &id),
    };
    let ctx = match person(&request, &state).await {
        Ok(Some(ctx)) => ctx,
        Ok(None) => return consent::gone(),
        Err(refused) => return problem(refused, &id),
    };
    let ours = ctx.session().is_some_and(|session| {
        state.control.check_csrf(session, form.get(consent::CSRF).unwrap_or_default())
    });
    if !ours {
        return consent::gone();
    }
    let decided = match form.get(consent::DECISION) {
        Some(consent::ALLOW) => state.control.allow_client(&ctx, &slug, &form).await,
        _ => state.control.deny_client(&ctx, &slug, &form).await,
    };
    match decided {
        Ok(location) => see_other(&location),
        Err(error) => consent::refused(&error, &id),
    }
}

/// Who is signed in in this browser. A key is nobody here: it has nothing to consent to.
async fn person(request: &HttpRequest, state: &State) -> Result<Option<OpCtx>, Refused> {
    let Some(token) = session::token(request, &state.site) else { return Ok(None) };
    let id = request_id(request);
    match state.control.by_session(&token, &id).await {
        Ok(ctx) => Ok(Some(ctx)),
        Err(control::Error::Unauthenticated | control::Error::NotFound) => Ok(None),
        Err(error) => Err(refused(&error, &id)),
    }
}

/// To the sign-in page, and back here afterwards.
fn to_sign_in(request: &HttpRequest) -> HttpResponse {
    let here = request.uri().path_and_query().map_or("/", |it| it.as_str());
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("return_to", here).finish();
    see_other(&format!("/sign-in?{query}"))
}

fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, location)).finish()
}
