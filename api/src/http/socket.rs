//! `/graphql/ws`: subscriptions by graphql-transport-ws, over one WebSocket for each page.
//!
//! A connection lives longer than the permission it began with, so it asks again, every few seconds, whether it may go on.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::SEC_WEBSOCKET_PROTOCOL},
    web::{Data, Payload},
};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Session};
use async_graphql::{
    Data as GraphqlData, Executor, Request, Response,
    http::{WebSocket, WebSocketProtocols, WsMessage},
};
use control::Control;
use domain::OpCtx;
use futures_util::{Stream, StreamExt, stream, stream::BoxStream};
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument;

use super::{ctx::Credential, error, server::State};
use crate::{
    error::{Code, Refused, finish},
    graphql::{caller::Caller, limits, schema::PatchbaySchema},
};

/// The only sub-protocol that is spoken here.
const PROTOCOL: &str = "graphql-transport-ws";
/// How often a connection proves again that it may go on: access ends at most this long after it was taken away.
const RECHECK: Duration = Duration::from_secs(3);
/// How often the peer is asked whether it is still there; one that is silent until the next time is gone.
const PING: Duration = Duration::from_secs(20);
/// How long a connection may say nothing before `connection_init`.
const INIT_PATIENCE: Duration = Duration::from_secs(10);
/// How long a message may take to leave; a peer that does not read does not keep its connection.
const SEND_PATIENCE: Duration = Duration::from_secs(10);
/// Largest message of a client.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// Messages of a client that may wait for the engine.
const MAX_WAITING: usize = 64;

/// Why `connection_init` is not acknowledged; recognised again when the engine closes with it.
const FORBIDDEN: &str = "Forbidden";

/// Who a connection belongs to, from `connection_init` on.
type SignedIn = Arc<OnceLock<(Credential, OpCtx)>>;

/// Executes the operations of one connection, as its caller and within its limits.
#[derive(Clone)]
struct Operations {
    schema: PatchbaySchema,
    state: Data<State>,
    signed_in: SignedIn,
    slots: Arc<Semaphore>,
    request_id: Arc<str>,
}

struct Connection {
    state: Data<State>,
    signed_in: SignedIn,
    session: Session,
    request_id: Arc<str>,
}

/// How a connection ends: code and reason (graphql-transport-ws, and RFC 6455 section 7.4).
type End = (u16, &'static str);

/// Upgrades to a WebSocket.
pub(crate) async fn subscribe(
    request: HttpRequest,
    body: Payload,
    state: Data<State>,
) -> Result<HttpResponse, actix_web::Error> {
    let id = error::request_id(&request);
    if let Err(refused) = admit(&request, &state) {
        return Ok(error::problem(refused, &id));
    }
    let cookie = Credential::of(&request, &state.site).ok();
    let (response, session, messages) =
        actix_ws::handle_with_protocols(&request, body, &[PROTOCOL])?;
    let messages = messages
        .max_frame_size(MAX_MESSAGE_BYTES)
        .aggregate_continuations()
        .max_continuation_size(MAX_MESSAGE_BYTES);
    let connection = Connection {
        state: state.clone(),
        signed_in: SignedIn::default(),
        session,
        request_id: id.into(),
    };
    let span = tracing::info_span!(parent: None, "api.graphql.connection", request.id = %connection.request_id);
    state.tasks.spawn_local(connection.run(messages, cookie).instrument(span));
    Ok(response)
}

/// A page of another origin could open a WebSocket with our cookie: no preflight protects it.
fn admit(request: &HttpRequest, state: &State) -> Result<(), Refused> {
    state.site.check_origin(request)?;
    let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
    let mut offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|it| it.split(','));
    if offered.any(|protocol| protocol.trim() == PROTOCOL) {
        return Ok(());
    }
    let message = "connect with the WebSocket sub-protocol `graphql-transport-ws`";
    Err(Refused::new(StatusCode::BAD_REQUEST, Code::Invalid, message))
}

/// Who opens the connection, by `connection_init`: a key in `authorization`, or the cookie together with its CSRF token.
async fn sign_in(
    payload: serde_json::Value,
    cookie: Option<Credential>,
    control: Control,
    request_id: Arc<str>,
) -> Result<(Credential, OpCtx), Refused> {
    let text = |name: &str| payload.get(name).and_then(serde_json::Value::as_str);
    if let Some(header) = text("authorization") {
        let key = Credential::bearer(header).ok_or_else(Refused::unauthenticated)?;
        let ctx = key.authenticate(&control, &request_id).await?;
        return Ok((key, ctx));
    }
    let credential = cookie.ok_or_else(Refused::unauthenticated)?;
    let ctx = credential.authenticate(&control, &request_id).await?;
    let token = text("csrf").unwrap_or_default();
    let proven = ctx.session().is_none_or(|session| control.check_csrf(session, token));
    if proven { Ok((credential, ctx)) } else { Err(Refused::csrf("the CSRF token is not right")) }
}

// === impl Connection ===

impl Connection {
    async fn run(mut self, messages: AggregatedMessageStream, cookie: Option<Credential>) {
        let (inbox, waiting) = mpsc::channel::<String>(MAX_WAITING);
        let socket = self.engine(ReceiverStream::new(waiting), cookie);
        let end = self.converse(messages, inbox, socket).await;
        if let Some((code, reason)) = end {
            let reason =
                CloseReason { code: CloseCode::from(code), description: Some(reason.to_owned()) };
            // The peer may be gone already, and then there is nobody to tell.
            drop(self.session.close(Some(reason)).await);
        }
    }

    /// The protocol's state machine over the messages of the client.
    fn engine(
        &self,
        messages: ReceiverStream<String>,
        cookie: Option<Credential>,
    ) -> impl Stream<Item = WsMessage> + use<> {
        let operations = Operations {
            schema: self.state.schema.clone(),
            state: self.state.clone(),
            signed_in: self.signed_in.clone(),
            slots: Arc::new(Semaphore::new(self.state.config.max_subscriptions)),
            request_id: self.request_id.clone(),
        };
        let control = self.state.control.clone();
        let (slot, request_id) = (self.signed_in.clone(), self.request_id.clone());
        WebSocket::new(operations, messages, WebSocketProtocols::GraphQLWS).on_connection_init(
            move |payload| async move {
                let refused = || async_graphql::Error::new(FORBIDDEN);
                let caller = sign_in(payload, cookie, control, request_id).await;
                slot.set(caller.map_err(|_| refused())?).map_err(|_| refused())?;
                Ok(GraphqlData::default())
            },
        )
    }

    async fn converse(
        &mut self,
        mut messages: AggregatedMessageStream,
        inbox: mpsc::Sender<String>,
        socket: impl Stream<Item = WsMessage>,
    ) -> Option<End> {
        tokio::pin!(socket);
        let stop = self.state.stop.clone();
        let init_deadline = Instant::now() + INIT_PATIENCE;
        let (mut recheck, mut ping) = (interval(RECHECK), interval(PING));
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut answered = true;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Some((1001, "going away")),
                () = sleep_until(init_deadline), if self.signed_in.get().is_none() => {
                    return Some((4408, "connection initialisation timeout"));
                }
                _ = recheck.tick() => {
                    if let Err(end) = self.still_allowed().await {
                        return Some(end);
                    }
                }
                _ = ping.tick() => {
                    if !std::mem::take(&mut answered) || self.session.ping(b"").await.is_err() {
                        return None;
                    }
                }
                message = messages.next() => match message {
                    Some(Ok(AggregatedMessage::Text(text))) => {
                        answered = true;
                        if inbox.try_send(text.to_string()).is_err() {
                            return Some((4429, "too many messages"));
                        }
                    }
                    Some(Ok(AggregatedMessage::Pong(_))) => answered = true,
                    Some(Ok(AggregatedMessage::Ping(bytes))) => {
                        self.session.pong(&bytes).await.ok()?;
                    }
                    Some(Ok(AggregatedMessage::Binary(_))) => return Some((4400, "send text")),
                    Some(Ok(AggregatedMessage::Close(_)) | Err(_)) | None => return None,
                },
                outgoing = socket.next() => match outgoing {
                    Some(WsMessage::Text(text)) => self.tell(text).await?,
                    Some(WsMessage::Close(code, reason)) => return Some(end(code, &reason)),
                    None => return Some((1000, "done")),
                },
            }
        }
    }

    /// Sends a message; `None` when the peer is gone or does not read.
    async fn tell(&mut self, text: String) -> Option<()> {
        tokio::time::timeout(SEND_PATIENCE, self.session.text(text)).await.ok()?.ok()
    }

    /// Whether the credential still stands for the same caller.
    async fn still_allowed(&self) -> Result<(), End> {
        let Some((credential, before)) = self.signed_in.get() else { return Ok(()) };
        let now = credential.authenticate(&self.state.control, &self.request_id).await;
        match now {
            Ok(now) if now.tenant() == before.tenant() && now.access() == before.access() => Ok(()),
            Ok(_) => Err((4403, "permissions changed")),
            Err(refused) if refused.code == Code::Internal => Err((1013, "try again later")),
            Err(_) => Err((4401, "Unauthorized")),
        }
    }
}

/// The protocol's own codes for the ways in which the engine closes.
fn end(code: u16, reason: &str) -> End {
    match code {
        1002 if reason == FORBIDDEN => (4403, FORBIDDEN),
        1002 => (4400, "not a message of graphql-transport-ws"),
        1011 => (4401, "Unauthorized"),
        4429 => (4429, "too many initialisation requests"),
        _ => (1011, "closed"),
    }
}

// === impl Operations ===

impl Executor for Operations {
    async fn execute(&self, request: Request) -> Response {
        let mut answers = self.execute_stream(request, None);
        answers.next().await.unwrap_or_default()
    }

    fn execute_stream(
        &self,
        mut request: Request,
        _: Option<Arc<GraphqlData>>,
    ) -> BoxStream<'static, Response> {
        let id = self.request_id.clone();
        let caller = match self.admit(&mut request) {
            Ok(caller) => caller,
            Err(refused) => {
                return stream::once(async move { refused.into_response(&id) }).boxed();
            }
        };
        let Ok(slot) = self.slots.clone().try_acquire_owned() else {
            let message = "this connection has as many subscriptions as it may";
            let refused = Refused::new(StatusCode::TOO_MANY_REQUESTS, Code::Limited, message);
            return stream::once(async move { refused.into_response(&id) }).boxed();
        };
        let answers = self.schema.execute_stream(request.data(caller));
        answers
            .map(move |mut response| {
                // Held by the stream, and so given back when the operation ends however it ends.
                let _held = &slot;
                finish(&mut response, &id);
                response
            })
            .boxed()
    }
}

impl Operations {
    fn admit(&self, request: &mut Request) -> Result<Caller, Refused> {
        let (_, ctx) = self.signed_in.get().ok_or_else(Refused::unauthenticated)?;
        limits::check(request)?;
        let state = &self.state;
        Ok(Caller::new(&state.control, ctx, &state.tasks, state.public_url.clone()))
    }
}
