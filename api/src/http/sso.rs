//! Signing in by a provider, as a browser walks it: an address, the provider, and back.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    http::{StatusCode, header::LOCATION},
    web::{self, Data, Form, Path, Query, ServiceConfig},
};
use control::{Answer, Begun, Browser, Error, Finished, SignUp};
use domain::{OpCtx, SecretString, SsoConnectionId, TenantId, secret::ExposeSecret};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    csrf::Site,
    ctx::Credential,
    error::{self, method_not_allowed},
    invitations,
    server::State,
    session, sso_pages as pages,
};
use crate::error::{Code, Refused, refused};

/// Remembers in the browser which sign-in it began.
const COOKIE: &str = "patchbay_sign_in";
const HOST_COOKIE: &str = "__Host-patchbay_sign_in";
/// As long as a begun sign-in waits.
const MINUTES: i64 = 10;
/// Largest form that is taken; a logout token is the largest of them.
const MAX_FORM_BYTES: usize = 64 * 1024;

#[derive(Deserialize)]
struct Address {
    email: String,
    return_to: Option<String>,
}

#[derive(Deserialize)]
struct Founding {
    organisation: String,
    provider: String,
}

#[derive(Deserialize)]
struct ReturnTo {
    return_to: Option<String>,
}

/// What an authorization endpoint sends back (RFC 6749, section 4.1.2, and RFC 9207).
#[derive(Deserialize)]
struct CallbackQuery {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct LogoutForm {
    logout_token: String,
}

/// Adds the routes. They are for browsers and providers, not for clients, so that the OpenAPI document is silent about them.
pub(crate) fn configure(routes: &mut ServiceConfig) {
    let only =
        |resource: actix_web::Resource| resource.default_service(web::to(method_not_allowed));
    routes
        .app_data(web::FormConfig::default().limit(MAX_FORM_BYTES))
        .service(only(web::resource("/sign-in").route(web::get().to(ask))))
        .service(only(web::resource("/sign-up").route(web::get().to(ask_founder))))
        .service(only(
            web::resource("/invitations/{token}")
                .route(web::get().to(invitations::ask))
                .route(web::post().to(invitations::choose)),
        ))
        .service(only(web::resource("/sso/start").route(web::post().to(discover))))
        .service(only(web::resource("/sso/continue").route(web::get().to(go_on))))
        .service(only(
            web::resource("/sso/start/{tenant}/{connection}").route(web::get().to(start)),
        ))
        .service(only(web::resource("/sso/sign-up").route(web::post().to(found))))
        .service(only(web::resource("/sso/providers/{key}").route(web::get().to(by_provider))))
        .service(only(web::resource("/sso/test/{connection}").route(web::get().to(test))))
        .service(only(web::resource("/sso/reauthenticate").route(web::get().to(again))))
        .service(only(web::resource("/sso/callback/{key}").route(web::get().to(callback))))
        .service(only(
            web::resource("/sso/logout/{tenant}/{connection}").route(web::post().to(log_out)),
        ));
}

/// The sign-in page.
async fn ask(query: Query<ReturnTo>, state: Data<State>) -> HttpResponse {
    pages::sign_in(state.control.sign_up_providers(), query.return_to.as_deref())
}

/// The sign-up page.
async fn ask_founder(state: Data<State>) -> HttpResponse {
    pages::sign_up(state.control.sign_up_providers())
}

/// Takes an address. Every address is answered alike: where it leads is looked up at the next step.
async fn discover(request: HttpRequest, form: Form<Address>, state: Data<State>) -> HttpResponse {
    match state.control.begin_discovery(&form.email, form.return_to.as_deref()).await {
        Ok(browser) => see_other(&state.site, "/sso/continue", Some(&browser)),
        Err(error) => sorry(&error, &request),
    }
}

/// Goes where the address leads.
async fn go_on(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let Some(browser) = browser(&request, &state.site) else {
        return see_other(&state.site, "/sign-in", None);
    };
    let found = match state.control.finish_discovery(&browser).await {
        Ok(found) => found,
        Err(Error::Unauthenticated) => return see_other(&state.site, "/sign-in", None),
        Err(error) => return sorry(&error, &request),
    };
    match found.connections.as_slice() {
        [] => pages::nowhere(),
        [only] => {
            let return_to = found.return_to.as_deref();
            let here = Browser { public_url: &state.public_url, return_to };
            let email = Some(found.email.as_str());
            let begun = state.control.begin_sign_in(only.tenant, only.id, email, here).await;
            depart(begun, &request, &state)
        }
        several => pages::choose(several, found.return_to.as_deref()),
    }
}

/// Begins a sign-in by one connection.
async fn start(
    request: HttpRequest,
    path: Path<(Uuid, Uuid)>,
    query: Query<ReturnTo>,
    state: Data<State>,
) -> HttpResponse {
    let (tenant, connection) = typed(&path);
    let here = Browser { public_url: &state.public_url, return_to: query.return_to.as_deref() };
    let begun = state.control.begin_sign_in(tenant, connection, None, here).await;
    depart(begun, &request, &state)
}

/// Begins to found an organisation.
async fn found(request: HttpRequest, form: Form<Founding>, state: Data<State>) -> HttpResponse {
    let Founding { organisation, provider } = form.into_inner();
    let here = Browser { public_url: &state.public_url, return_to: None };
    let begun = state.control.begin_sign_up(SignUp { provider, organisation }, here).await;
    depart(begun, &request, &state)
}

/// Begins a sign-in by one of the operator's providers.
async fn by_provider(
    request: HttpRequest,
    key: Path<String>,
    query: Query<ReturnTo>,
    state: Data<State>,
) -> HttpResponse {
    let here = Browser { public_url: &state.public_url, return_to: query.return_to.as_deref() };
    depart(state.control.begin_provider_sign_in(&key, here).await, &request, &state)
}

/// Begins a test sign-in.
async fn test(request: HttpRequest, connection: Path<Uuid>, state: Data<State>) -> HttpResponse {
    let id = SsoConnectionId::from_uuid(*connection);
    match caller(&request, &state).await {
        Ok(ctx) => {
            depart(state.control.begin_test(&ctx, id, &state.public_url).await, &request, &state)
        }
        Err(refused) => error::problem(refused, &error::request_id(&request)),
    }
}

/// Begins to prove again who somebody is.
async fn again(request: HttpRequest, query: Query<ReturnTo>, state: Data<State>) -> HttpResponse {
    match caller(&request, &state).await {
        Ok(ctx) => {
            let here =
                Browser { public_url: &state.public_url, return_to: query.return_to.as_deref() };
            depart(state.control.begin_reauthentication(&ctx, here).await, &request, &state)
        }
        Err(refused) => error::problem(refused, &error::request_id(&request)),
    }
}

/// Takes the provider's answer.
async fn callback(
    request: HttpRequest,
    key: Path<String>,
    query: Query<CallbackQuery>,
    state: Data<State>,
) -> HttpResponse {
    let id = error::request_id(&request);
    let browser = browser(&request, &state.site);
    let answer = Answer {
        key: &key,
        state: query.state.as_deref(),
        code: query.code.as_deref(),
        issuer: query.iss.as_deref(),
        error: query.error.as_deref(),
        browser: browser.as_deref(),
        public_url: &state.public_url,
        request_id: &id,
    };
    let mut response = match state.control.finish_sign_in(answer).await {
        Ok(Finished::SignedIn { signed_in, return_to }) => {
            let token = signed_in.token.expose_secret();
            HttpResponse::SeeOther()
                .insert_header((LOCATION, return_to.as_deref().unwrap_or("/")))
                .cookie(session::cookie(&state.site, token, &signed_in.session))
                .finish()
        }
        Ok(Finished::Tested { test, .. }) => pages::tested(&test),
        Ok(Finished::Reauthenticated { return_to }) => {
            see_other(&state.site, return_to.as_deref().unwrap_or("/"), None)
        }
        Err(error) => sorry(&error, &request),
    };
    // A cookie with a fixed name and a plain value can be written into a header.
    let _ = response.add_cookie(&cookie(&state.site, "", Duration::ZERO));
    response
}

/// Takes a logout token (Back-Channel Logout 1.0, section 2.5): 200 when it was believed, 400 when not.
async fn log_out(
    request: HttpRequest,
    path: Path<(Uuid, Uuid)>,
    form: Form<LogoutForm>,
    state: Data<State>,
) -> HttpResponse {
    let id = error::request_id(&request);
    let (tenant, connection) = typed(&path);
    let token = &form.logout_token;
    match state.control.log_out_from_provider(tenant, connection, token, &id).await {
        Ok(_) => HttpResponse::Ok().finish(),
        Err(error @ Error::Internal(_)) => error::problem(refused(&error, &id), &id),
        Err(error @ Error::Upstream { .. }) => {
            tracing::warn!(request.id = id, reason = %error, "A logout token could not be checked");
            HttpResponse::ServiceUnavailable().finish()
        }
        Err(error) => {
            tracing::info!(request.id = id, reason = %error, "A logout token was refused");
            let body = serde_json::json!({ "error": "invalid_request" });
            HttpResponse::BadRequest().json(body)
        }
    }
}

pub(super) fn depart(
    begun: Result<Begun, Error>,
    request: &HttpRequest,
    state: &State,
) -> HttpResponse {
    match begun {
        Ok(begun) => see_other(&state.site, begun.location.as_str(), Some(&begun.browser)),
        Err(error) => sorry(&error, request),
    }
}

/// A page about what went wrong; our own faults are logged on the way.
pub(super) fn sorry(error: &Error, request: &HttpRequest) -> HttpResponse {
    let id = error::request_id(request);
    let told = refused(error, &id);
    if told.code == Code::Internal {
        return error::problem(told, &id);
    }
    if told.code == Code::Upstream {
        tracing::warn!(request.id = id, reason = %error, "A provider could not be used to sign in");
    }
    pages::refused(error, &id)
}

/// Whoever is signed in in this browser.
pub(super) async fn caller(request: &HttpRequest, state: &State) -> Result<OpCtx, Refused> {
    let credential = Credential::of(request, &state.site)?;
    credential.authenticate(&state.control, &error::request_id(request)).await
}

pub(super) fn see_other(
    site: &Site,
    location: &str,
    browser: Option<&SecretString>,
) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::SEE_OTHER);
    response.insert_header((LOCATION, location));
    if let Some(token) = browser {
        response.cookie(cookie(site, token.expose_secret(), Duration::minutes(MINUTES)));
    }
    response.finish()
}

/// Lax, because the browser comes back from another site; by a top-level GET, which Lax lets through.
fn cookie(site: &Site, value: &str, lifetime: Duration) -> Cookie<'static> {
    Cookie::build(name(site), value.to_owned())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(site.https())
        .max_age(lifetime)
        .finish()
}

fn browser(request: &HttpRequest, site: &Site) -> Option<String> {
    request.cookie(name(site)).map(|cookie| cookie.value().to_owned())
}

fn name(site: &Site) -> &'static str {
    if site.https() { HOST_COOKIE } else { COOKIE }
}

fn typed(path: &(Uuid, Uuid)) -> (TenantId, SsoConnectionId) {
    (TenantId::from_uuid(path.0), SsoConnectionId::from_uuid(path.1))
}
