//! The routes of this door, and the frame around each of them.

use std::sync::Arc;

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    guard,
    http::{
        Method, StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::{Compress, Next, from_fn},
    web::{self, Data, ServiceConfig},
};
use control::Control;
use telemetry::{
    Metrics, names,
    propagate::{TRACEPARENT, set_parent},
};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use super::{
    console,
    csrf::Site,
    ctx::{REQUEST_ID, RequestId},
    error::{self, method_not_allowed, not_found},
    graphql, headers, page, sign_in, socket, sso,
};
use crate::{
    Config,
    error::{Code, Refused},
    graphql::schema::{PatchbaySchema, build},
    oauth,
    rest::{audit, health, openapi, version},
};

/// Where the GraphQL door is.
const GRAPHQL: &str = "/graphql";
/// Paths of the MCP door, which may share the process.
const MCP: &str = "/t/";
/// Label of everything that has no pattern of its own.
const CONSOLE: &str = "console";

/// The control-plane door.
#[derive(Clone)]
pub struct Api {
    state: Data<State>,
}

/// What every handler of the door may need.
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) control: Control,
    pub(crate) metrics: Metrics,
    pub(crate) schema: PatchbaySchema,
    pub(crate) site: Site,
    /// Address under which users reach the product, without a slash at its end.
    pub(crate) public_url: Arc<str>,
    /// Everything that runs beside a request.
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

// === impl Api ===

impl Api {
    /// Makes the door. Nothing is opened and nothing can fail.
    pub fn build(config: Config, control: Control, metrics: Metrics) -> Self {
        let site = Site::of(&config);
        let public_url = config.public_url.trim_end_matches('/').into();
        let state = State {
            config,
            control,
            metrics,
            schema: build(),
            site,
            public_url,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        Self { state: Data::new(state) }
    }

    /// Adds the door's routes. Paths of the MCP door (`/t/…`) are left alone, whichever of the two is added first.
    pub fn configure(&self, routes: &mut ServiceConfig) {
        let state = self.state.clone();
        let framed = from_fn(move |request, next| frame(state.clone(), request, next));
        let scope = web::scope("")
            .guard(guard::fn_guard(|asked| !asked.head().uri.path().starts_with(MCP)))
            .app_data(self.state.clone())
            .wrap(framed)
            .service(
                web::resource(GRAPHQL)
                    .route(web::post().to(graphql::execute))
                    .default_service(web::to(method_not_allowed)),
            )
            .service(web::resource("/graphql/ws").route(web::get().to(socket::subscribe)))
            .configure(sso::configure)
            .configure(oauth::configure)
            .service(
                web::resource("/sign-in/{token}")
                    .route(web::get().to(sign_in::ask))
                    .route(web::post().to(sign_in::redeem))
                    .default_service(web::to(method_not_allowed)),
            )
            .service(
                web::resource("/sign-out")
                    .route(web::post().to(sign_in::sign_out))
                    .default_service(web::to(method_not_allowed)),
            )
            .service(web::resource(page::STYLE_PATH).route(web::get().to(page::style)))
            .service(web::resource("/health/live").route(web::get().to(health::live)))
            .service(web::resource("/health/ready").route(web::get().to(health::ready)))
            .service(web::scope("/scim/v2/{organisation}").configure(crate::scim::configure))
            .service(
                web::scope("/api")
                    .service(web::resource("/v1/version").route(web::get().to(version::version)))
                    .service(web::resource("/v1/audit-keys").route(web::get().to(audit::keys)))
                    .service(web::resource("/v1/audit/export").route(web::get().to(audit::export)))
                    .service(
                        web::resource("/v1/openapi.json")
                            .wrap(Compress::default())
                            .route(web::get().to(openapi::document)),
                    )
                    .default_service(web::to(not_found)),
            )
            .service(
                web::scope("/assets")
                    .wrap(Compress::default())
                    .default_service(web::to(console::asset)),
            )
            .default_service(web::to(console::serve));
        routes.service(scope);
    }

    /// Ends subscriptions and waits for what still runs. Call it when the server is to stop accepting.
    pub async fn stop(&self) {
        self.state.stop.cancel();
        self.state.tasks.close();
        self.state.tasks.wait().await;
    }
}

/// What is true of every request: it has an id and a span, comes from where it may, and its answer carries the headers.
async fn frame(
    state: Data<State>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let method = request.method().clone();
    let span = tracing::info_span!(
        names::span::HTTP_REQUEST,
        otel.kind = "server",
        http.request.method = %method,
        http.route = tracing::field::Empty,
        http.response.status_code = tracing::field::Empty,
        request.id = id.as_str(),
    );
    let parent = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
    if let Some(parent) = parent {
        set_parent(&span, parent);
    }
    request.extensions_mut().insert(id.clone());
    let path = request.path().to_owned();
    let outcome = match admit(&state.site, &request) {
        Ok(()) => next.call(request).instrument(span.clone()).await,
        Err(refused) => {
            let response = refuse(&path, refused, &id);
            Ok(request.into_response(response))
        }
    };
    let finish = |route: &str, status: StatusCode, headers: &mut HeaderMap| {
        span.record("http.route", route);
        span.record("http.response.status_code", status.as_u16());
        let seconds = started.elapsed().as_secs_f64();
        state.metrics.http_request(known(&method), route, status.as_u16(), seconds);
        headers::secure(headers, state.site.https());
        if let Ok(value) = HeaderValue::from_str(id.as_str()) {
            headers.insert(HeaderName::from_static(REQUEST_ID), value);
        }
    };
    match outcome {
        Ok(mut response) => {
            let route = response.request().match_pattern();
            let status = response.status();
            finish(route.as_deref().unwrap_or(CONSOLE), status, response.headers_mut());
            Ok(response)
        }
        Err(error) => {
            let mut response = not_understood(&path, &error, &id);
            let status = response.status();
            finish("error", status, response.headers_mut());
            Err(InternalError::from_response(error, response).into())
        }
    }
}

/// The method as a label: clients can make methods up, and each would be a time series of its own.
fn known(method: &Method) -> &str {
    const KNOWN: [Method; 6] =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS];
    if KNOWN.contains(method) { method.as_str() } else { "_OTHER" }
}

/// Where a request must come from. Health is asked by address, without a name.
fn admit(site: &Site, request: &ServiceRequest) -> Result<(), Refused> {
    if request.path().starts_with("/health/") {
        return Ok(());
    }
    site.check_host(request.request())?;
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    // Whoever asks there shows what they ask with in the request itself; no cookie counts.
    if oauth::is_open(request.path()) {
        return Ok(());
    }
    site.check_origin(request.request())
}

/// The answer to an error that actix itself raised: a problem without its text.
fn not_understood(path: &str, error: &Error, id: &RequestId) -> HttpResponse {
    let status = error.as_response_error().status_code();
    tracing::debug!(request.id = id.as_str(), %error, "Request was not understood");
    let code = if status.is_server_error() { Code::Internal } else { Code::Invalid };
    refuse(path, Refused::new(status, code, "the request could not be understood"), id)
}

fn refuse(path: &str, refused: Refused, id: &RequestId) -> HttpResponse {
    if path == GRAPHQL {
        error::graphql(refused, id.as_str())
    } else {
        error::problem(refused, id.as_str())
    }
}
