//! HTTP on the outside: what the transport demands of a request (specification, basic/transports) before anybody asks who
//! sent it, and how an answer goes out.

use std::{net::IpAddr, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{
        Method as HttpMethod, StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
    web,
};
use bytes::Bytes;
use domain::{Origin, SecretString};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    Inner,
    call::{Act, Answer, AnswerBody, Call, Method, Outcome, Trail},
    challenge::Challenge,
    error::Refusal,
    mcp::{
        headers, reply,
        request::{Message, RequestId},
        revision::{self, Era},
    },
    stack::Service as _,
};

/// How long a body may take to arrive: it is read before anybody knows who sends it.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest name of a client that is looked at.
const CLIENT_MAX: usize = 100;
const ALLOWED_METHODS: &str = "GET, POST, DELETE, OPTIONS";
const ALLOWED_HEADERS: &str = "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID, traceparent";
const EXPOSED_HEADERS: &str = "WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, Retry-After";

/// A refusal before the stack, with the id under which it is answered.
struct Early {
    refusal: Refusal,
    id: Option<RequestId>,
    era: Era,
}

/// `POST`, `GET` and `DELETE /t/{tenant}/mcp`.
pub(crate) async fn serve(
    request: HttpRequest,
    tenant: web::Path<String>,
    payload: web::Payload,
    gateway: web::Data<Inner>,
) -> HttpResponse {
    let origin = match check_origin(&request, &gateway) {
        Ok(origin) => origin,
        Err(refusal) => return refused(&refusal, Era::Legacy, None),
    };
    let challenge = Challenge::of(&request, &tenant);
    let mut response = if gateway.is_draining() {
        refused(&Refusal::Draining, Era::Legacy, None)
    } else {
        match read(&request, tenant.into_inner(), payload, &gateway).await {
            Ok(call) => {
                let (era, id) = (call.era, call.id().cloned());
                let outcome = Box::pin(gateway.door.call(call)).await;
                respond(outcome, era, id.as_ref())
            }
            Err(early) => refused(&early.refusal, early.era, early.id.as_ref()),
        }
    };
    challenge.put(&mut response, &gateway);
    if let Some(origin) = origin {
        allow_origin(response.headers_mut(), &origin);
    }
    response
}

/// `OPTIONS /t/{tenant}/mcp`: what a browser asks before it lets a page call.
pub(crate) async fn preflight(request: HttpRequest, gateway: web::Data<Inner>) -> HttpResponse {
    match check_origin(&request, &gateway) {
        Ok(origin) => {
            let mut response = HttpResponse::NoContent()
                .insert_header((header::ALLOW, ALLOWED_METHODS))
                .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS))
                .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS))
                .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
                .finish();
            if let Some(origin) = origin {
                allow_origin(response.headers_mut(), &origin);
            }
            response
        }
        Err(refusal) => refused(&refusal, Era::Legacy, None),
    }
}

/// A web page may call only from an origin on the list; a program sends none.
fn check_origin(request: &HttpRequest, gateway: &Inner) -> Result<Option<HeaderValue>, Refusal> {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(None) };
    let allowed =
        gateway.config.allowed_origins.iter().any(|it| it.as_bytes() == origin.as_bytes());
    if allowed { Ok(Some(origin.clone())) } else { Err(Refusal::ForeignOrigin) }
}

fn allow_origin(headers: &mut HeaderMap, origin: &HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    headers
        .insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
}

async fn read(
    request: &HttpRequest,
    tenant: String,
    payload: web::Payload,
    gateway: &Inner,
) -> Result<Call, Box<Early>> {
    let headers = request.headers();
    let started = Instant::now();
    let early = |refusal: Refusal| Box::new(Early { refusal, id: None, era: Era::Legacy });
    let version = headers::single(headers, headers::REVISION).map_err(|e| early(e.into()))?;
    let (era, act) = if request.method() == HttpMethod::POST {
        let limit = gateway.config.max_body_bytes;
        let body = body(headers, payload, limit, BODY_TIMEOUT).await.map_err(early)?;
        let message = Message::parse(&body).map_err(|error| {
            let era = if version == Some(revision::MODERN) { Era::Modern } else { Era::Legacy };
            Box::new(Early { id: error.id().cloned(), refusal: error.into(), era })
        })?;
        understand(headers, version, message)?
    } else {
        let era = if version == Some(revision::MODERN) { Era::Modern } else { Era::Legacy };
        let get = request.method() == HttpMethod::GET;
        (era, if get { Act::OpenStream } else { Act::EndSession })
    };
    let session = headers::single(headers, headers::SESSION).map_err(|e| early(e.into()))?;
    let origin = Origin { client: client(&act, headers), network: network(request, gateway) };
    Ok(Call {
        tenant,
        origin,
        token: bearer(headers),
        era,
        act,
        session: session.filter(|_| era == Era::Legacy).map(str::to_owned),
        traceparent: headers::single(headers, "traceparent").ok().flatten().map(str::to_owned),
        mirrored: if era == Era::Modern { mirrored(headers) } else { Vec::new() },
        request_id: Uuid::now_v7().to_string(),
        started,
        trail: Arc::new(Trail::default()),
    })
}

async fn body(
    headers: &HeaderMap,
    payload: web::Payload,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, Refusal> {
    if !is_json(headers) {
        return Err(Refusal::ContentType);
    }
    if !accepts_both(headers) {
        return Err(Refusal::NotAcceptable);
    }
    match tokio::time::timeout(patience, payload.to_bytes_limited(limit)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_broken))) => Err(Refusal::Body),
        Ok(Err(_too_large)) => Err(Refusal::TooLarge { limit }),
        Err(_late) => Err(Refusal::BodyTimeout),
    }
}

/// The era of a message and what it asks for.
fn understand(
    headers: &HeaderMap,
    version: Option<&str>,
    message: Message,
) -> Result<(Era, Act), Box<Early>> {
    let checked = revision::decide(version, &message).map_err(Refusal::from).and_then(|era| {
        if era == Era::Modern {
            headers::check_modern(headers, &message)?;
        }
        Ok(era)
    });
    match (checked, message) {
        (Ok(era), Message::Request { id, method, params }) => {
            Ok((era, Act::Request { id, method: Method::parse(method), params }))
        }
        (Ok(era), Message::Notification) => Ok((era, Act::Notification)),
        (Ok(era), Message::Response) => Ok((era, Act::Response)),
        (Err(refusal), message) => {
            let id = if let Message::Request { id, .. } = message { Some(id) } else { None };
            Err(Box::new(Early { refusal, id, era: Era::Modern }))
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// No `Accept` accepts everything (RFC 9110 section 12.5.1); one that is there must list both forms of an answer.
fn accepts_both(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::ACCEPT).peekable();
    if values.peek().is_none() {
        return true;
    }
    let (mut json, mut events) = (false, false);
    for range in values.filter_map(|value| value.to_str().ok()).flat_map(|it| it.split(',')) {
        let range = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        json |= matches!(range.as_str(), "*/*" | "application/*" | "application/json");
        events |= matches!(range.as_str(), "*/*" | "text/*" | "text/event-stream");
    }
    json && events
}

/// What the client calls itself: in the request, or else in the header that every HTTP client sends.
fn client(act: &Act, headers: &HeaderMap) -> String {
    let said = match act {
        Act::Request { params, .. } => params.client.clone(),
        _ => None,
    };
    said.or_else(|| {
        let agent = headers::single(headers, "user-agent").ok().flatten()?;
        agent.split(['/', ' ']).next().map(str::to_owned)
    })
    .map(|name| name.chars().take(CLIENT_MAX).collect())
    .unwrap_or_default()
}

/// The address that the request comes from. Behind a proxy that the operator trusts it is the one that the proxy saw, which the
/// proxy writes last.
fn network(request: &HttpRequest, gateway: &Inner) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    if !gateway.config.trusted_proxies.contains(&peer) {
        return Some(peer);
    }
    let forwarded = request.headers().get_all("x-forwarded-for").last()?.to_str().ok()?;
    forwarded.rsplit(',').next()?.trim().parse().ok()
}

/// The token of `Authorization: Bearer`; nothing when the header is there more than once.
fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    let value = headers::single(headers, "authorization").ok().flatten()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned().into())
}

fn mirrored(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with(headers::PARAM_PREFIX))
        .filter_map(|(name, value)| {
            value.to_str().ok().map(|value| (name.as_str().to_owned(), value.to_owned()))
        })
        .collect()
}

fn respond(outcome: Outcome, era: Era, id: Option<&RequestId>) -> HttpResponse {
    match outcome {
        Ok(Answer { body: AnswerBody::Result { json, .. }, session }) => match id {
            Some(id) => {
                let mut response = json_response(StatusCode::OK);
                if let Some(session) = session {
                    response.insert_header((headers::SESSION, session));
                }
                response.body(reply::result(id, &json))
            }
            None => HttpResponse::Accepted().finish(),
        },
        Ok(Answer { body: AnswerBody::Accepted, .. }) => HttpResponse::Accepted().finish(),
        Ok(Answer { body: AnswerBody::Ended, .. }) => HttpResponse::NoContent().finish(),
        Err(refusal) => refused(&refusal, era, id),
    }
}

fn refused(refusal: &Refusal, era: Era, id: Option<&RequestId>) -> HttpResponse {
    if let Refusal::Internal(source) = refusal {
        tracing::error!(
            error = &**source as &dyn std::error::Error,
            "An MCP request failed inside Patchbay"
        );
    }
    let rendered = refusal.render(era);
    let mut response = json_response(rendered.status);
    if let Some(seconds) = refusal.retry_after() {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    if rendered.status == StatusCode::METHOD_NOT_ALLOWED {
        response.insert_header((header::ALLOW, "POST"));
    }
    response.body(reply::error(id, &rendered.error))
}

fn json_response(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use actix_web::{FromRequest as _, dev, http::header::ContentType, test::TestRequest};
    use futures_util::{StreamExt as _, stream};

    use super::*;

    #[tokio::test]
    async fn body_that_never_arrives_is_not_waited_for() {
        let request = TestRequest::post().insert_header(ContentType::json()).to_http_request();
        let mut never = dev::Payload::from(stream::pending().boxed_local());
        let payload = web::Payload::from_request(&request, &mut never).await.expect("a payload");
        let patience = Duration::from_millis(10);
        let refusal = body(request.headers(), payload, 1000, patience).await.expect_err("no body");
        let rendered = refusal.render(Era::Modern);
        assert_eq!(rendered.status, StatusCode::REQUEST_TIMEOUT, "{refusal}");
    }
}
