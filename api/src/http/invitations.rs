//! `/invitations/{token}`: what whoever holds an invitation's link sees, and how they take it.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Form, Path},
};
use control::{Browser, Error, InvitationWay};
use domain::SsoConnectionId;
use serde::Deserialize;

use super::{
    error,
    server::State,
    sso::{caller, depart, see_other, sorry},
    sso_pages as pages,
};

/// Which button was pressed.
#[derive(Deserialize)]
pub(super) struct Choice {
    /// `session`, `provider:<key>` or `connection:<uuid>`.
    by: String,
}

/// Shows who invites, and the ways to show that the address is one's own.
pub(super) async fn ask(
    request: HttpRequest,
    token: Path<String>,
    state: Data<State>,
) -> HttpResponse {
    let offer = match state.control.invitation_offer(&token).await {
        Ok(offer) => offer,
        Err(error) => return sorry(&error, &request),
    };
    let signed_in = match caller(&request, &state).await {
        Ok(ctx) => state.control.viewer(&ctx).await.ok().and_then(|it| it.user),
        Err(_) => None,
    };
    // Somebody else who is signed in is not told to whom the link belongs.
    let same = signed_in.is_some_and(|user| user.email == offer.email);
    pages::invitation(&token, &offer, same, state.control.sign_up_providers())
}

/// Begins the sign-in that was chosen, or takes the invitation for the session.
pub(super) async fn choose(
    request: HttpRequest,
    token: Path<String>,
    form: Form<Choice>,
    state: Data<State>,
) -> HttpResponse {
    if let Err(refused) = state.site.check_origin(&request) {
        return error::problem(refused, &error::request_id(&request));
    }
    let here = Browser { public_url: &state.public_url, return_to: None };
    let way = match form.by.split_once(':') {
        Some(("provider", key)) => InvitationWay::Provider(key),
        Some(("connection", _)) => {
            match form.by.replacen("connection", "sso_connection", 1).parse::<SsoConnectionId>() {
                Ok(id) => InvitationWay::Connection(id),
                Err(_) => return sorry(&Error::NotFound, &request),
            }
        }
        _ => return accept(&request, &token, &state).await,
    };
    depart(state.control.begin_invitation(&token, way, here).await, &request, &state)
}

/// The session's cookie is not sent along by a form of another site, and the token is known to who holds the link alone.
async fn accept(request: &HttpRequest, token: &str, state: &State) -> HttpResponse {
    let ctx = match caller(request, state).await {
        Ok(ctx) => ctx,
        Err(refused) => return error::problem(refused, &error::request_id(request)),
    };
    match state.control.accept_invitation(&ctx, token).await {
        Ok(_) => see_other(&state.site, "/", None),
        Err(error) => sorry(&error, request),
    }
}
