//! Sign-in by a one-time link, and sign-out.
//!
//! Opening the link shows a button and redeems nothing: link previews and prefetching open links too, and would burn it.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::LOCATION},
    web::{Data, Path},
};
use domain::secret::ExposeSecret;

use super::{
    csrf,
    ctx::Credential,
    error::{self, Problem},
    page::{SIGN_IN, SIGN_IN_GONE, page},
    server::State,
    session,
};
use crate::error::{Refused, refused};

/// Shows the button that signs in. It looks the same for every link: nothing is looked up before it is pressed.
#[utoipa::path(get, path = "/sign-in/{token}", tag = "session",
    params(("token" = String, Path, description = "Text of the one-time link")),
    responses((status = 200, description = "A page with a button", content_type = "text/html")),
)]
pub(crate) async fn ask() -> HttpResponse {
    page(StatusCode::OK, SIGN_IN)
}

/// Redeems the link, which works once, and starts a session.
#[utoipa::path(post, path = "/sign-in/{token}", tag = "session",
    params(("token" = String, Path, description = "Text of the one-time link")),
    responses(
        (status = 303, description = "Signed in: the session cookie is set, go to the console"),
        (status = 410, description = "The link was used or is too old", content_type = "text/html"),
    ),
)]
pub(crate) async fn redeem(
    request: HttpRequest,
    token: Path<String>,
    state: Data<State>,
) -> HttpResponse {
    let id = error::request_id(&request);
    match state.control.redeem_link(&token, &id).await {
        Ok(signed_in) => {
            let token = signed_in.token.expose_secret();
            HttpResponse::SeeOther()
                .insert_header((LOCATION, "/"))
                .cookie(session::cookie(&state.site, token, &signed_in.session))
                .finish()
        }
        Err(error @ (control::Error::Internal(_) | control::Error::Limited { .. })) => {
            error::problem(refused(&error, &id), &id)
        }
        Err(_) => page(StatusCode::GONE, SIGN_IN_GONE),
    }
}

/// Ends the session of the browser that asks.
#[utoipa::path(post, path = "/sign-out", tag = "session",
    params(("X-Patchbay-CSRF" = String, Header, description = "`viewer.csrfToken`")),
    responses(
        (status = 204, description = "Signed out: the cookie is taken back"),
        (status = 401, description = "Nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The CSRF token is missing or wrong", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn sign_out(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let id = error::request_id(&request);
    match end_session(&request, &state, &id).await {
        Ok(()) => HttpResponse::NoContent().cookie(session::removal(&state.site)).finish(),
        Err(refused) => error::problem(refused, &id),
    }
}

async fn end_session(request: &HttpRequest, state: &State, id: &str) -> Result<(), Refused> {
    let credential = Credential::of(request, &state.site)?;
    let ctx = credential.authenticate(&state.control, id).await?;
    let presented = csrf::presented(request).unwrap_or_default();
    // A key has no session to end: it is revoked instead.
    let session = ctx.session().ok_or_else(Refused::unauthenticated)?;
    if !state.control.check_csrf(session, presented) {
        return Err(Refused::csrf("send `viewer.csrfToken` as the header `X-Patchbay-CSRF`"));
    }
    state.control.sign_out(&ctx).await.map_err(|error| refused(&error, id))
}
