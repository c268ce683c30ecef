//! `POST /graphql`: everything that is checked before a document is executed.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::CONTENT_TYPE},
    web::{Bytes, BytesMut, Data, Payload},
};
use async_graphql::Request;
use control::SignedIn;
use domain::{OpCtx, secret::ExposeSecret};
use futures_util::StreamExt;
use telemetry::names;
use tracing::Instrument;

use super::{csrf, ctx::Credential, error, server::State, session};
use crate::{
    error::{Code, Refused, finish},
    graphql::{caller::Caller, limits},
};

/// A client that takes longer to send its request is not served.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// Executes one document.
pub(crate) async fn execute(
    request: HttpRequest,
    body: Payload,
    state: Data<State>,
) -> HttpResponse {
    let id = error::request_id(&request);
    match answer(&request, body, &state, &id).await {
        Ok(response) => response,
        Err(refused) => error::graphql(refused, &id),
    }
}

async fn answer(
    request: &HttpRequest,
    body: Payload,
    state: &State,
    id: &str,
) -> Result<HttpResponse, Refused> {
    check_media_type(request)?;
    let credential = Credential::of(request, &state.site)?;
    let by_session = matches!(credential, Credential::Session(_));
    if by_session && csrf::presented(request).is_none() {
        return Err(Refused::csrf("the header `X-Patchbay-CSRF` is missing"));
    }
    let ctx = credential.authenticate(&state.control, id).await?;
    let bytes = read(request, body, state.config.max_body_bytes).await?;
    let mut document = parse(&bytes)?;
    let operations = limits::check(&mut document)?;
    if operations.subscribes {
        let message = "subscriptions are served at `/graphql/ws` (graphql-transport-ws)";
        return Err(Refused::new(StatusCode::BAD_REQUEST, Code::Invalid, message));
    }
    if by_session && operations.mutates {
        check_token(request, state, &ctx)?;
    }
    let signed_out = Arc::new(AtomicBool::new(false));
    let switched: Arc<OnceLock<SignedIn>> = Arc::new(OnceLock::new());
    let caller = Caller::new(&state.control, &ctx, &state.tasks, state.public_url.clone())
        .telling_sign_out(signed_out.clone())
        .telling_switch(switched.clone());
    let span = tracing::info_span!(
        names::span::GRAPHQL_OPERATION,
        graphql.operation.mutates = operations.mutates,
        graphql.operation.name = document.operation_name.as_deref(),
    );
    let mut response = state.schema.execute(document.data(caller)).instrument(span).await;
    finish(&mut response, id);
    let mut answer = HttpResponse::Ok();
    if let Some(fresh) = switched.get() {
        answer.cookie(session::cookie(&state.site, fresh.token.expose_secret(), &fresh.session));
    }
    if signed_out.load(Ordering::Relaxed) {
        answer.cookie(session::removal(&state.site));
    }
    Ok(answer.json(response))
}

/// Only JSON: everything a form can send without asking (Fetch, section 2.2.2) is something else.
fn check_media_type(request: &HttpRequest) -> Result<(), Refused> {
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = "send the document as `Content-Type: application/json`";
    Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::Invalid, message))
}

/// A change by session needs the token that only our own pages can read.
fn check_token(request: &HttpRequest, state: &State, ctx: &OpCtx) -> Result<(), Refused> {
    let presented = csrf::presented(request).unwrap_or_default();
    let holds = ctx.session().is_some_and(|session| state.control.check_csrf(session, presented));
    if holds {
        Ok(())
    } else {
        Err(Refused::csrf("send `viewer.csrfToken` as the header `X-Patchbay-CSRF`"))
    }
}

/// Reads the body, and stops at the limit: the engine's own extractor has none.
async fn read(request: &HttpRequest, body: Payload, limit: usize) -> Result<Bytes, Refused> {
    let announced = request.headers().get("content-length").and_then(|value| value.to_str().ok());
    let announced = announced.and_then(|value| value.parse::<usize>().ok()).unwrap_or(0);
    if announced > limit {
        return Err(too_large(limit));
    }
    let reading = tokio::time::timeout(BODY_PATIENCE, collect(body, limit));
    reading.await.unwrap_or_else(|_| {
        let message = "the request took too long to arrive";
        Err(Refused::new(StatusCode::REQUEST_TIMEOUT, Code::Invalid, message))
    })
}

async fn collect(mut body: Payload, limit: usize) -> Result<Bytes, Refused> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| not_json())?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn parse(bytes: &[u8]) -> Result<Request, Refused> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        let message = "send one document for each request: batches are not served";
        return Err(Refused::new(StatusCode::BAD_REQUEST, Code::Invalid, message));
    }
    serde_json::from_slice(bytes).map_err(|_| not_json())
}

fn too_large(limit: usize) -> Refused {
    let message = format!("the request is larger than {limit} bytes");
    Refused::new(StatusCode::PAYLOAD_TOO_LARGE, Code::Invalid, message)
}

fn not_json() -> Refused {
    let message = "the body is not a GraphQL request in JSON: {\"query\": …, \"variables\": …}";
    Refused::new(StatusCode::BAD_REQUEST, Code::Invalid, message)
}
