//! Somebody who is told things by HTTP: keeps every request and answers as it was asked to.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The running receiver; it ends when this is dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    cancel: CancellationToken,
}

/// How it answers.
#[derive(Debug, Clone)]
pub struct Manner {
    pub status: StatusCode,
    pub body: String,
    /// Where a redirection leads.
    pub location: Option<String>,
    /// Waits before it answers.
    pub delay: Duration,
}

/// One request that it got.
#[derive(Debug, Clone)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    received: Vec<Received>,
}

// === impl Manner ===

impl Default for Manner {
    fn default() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: String::new(),
            location: None,
            delay: Duration::ZERO,
        }
    }
}

// === impl Receiver ===

impl Receiver {
    /// Listens on a free loopback port.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State { manner: Manner::default(), received: Vec::new() }));
        let cancel = CancellationToken::new();
        let tracker = TaskTracker::new();
        tracker.spawn(accept(listener, Arc::clone(&state), cancel.clone(), tracker.clone()));
        Ok(Self { address, state, cancel })
    }

    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// The same place by another spelling of its host.
    pub fn url_by(&self, host: &str) -> String {
        format!("http://{host}:{}/hooks", self.address.port())
    }

    /// From now on it answers like this.
    pub fn answer(&self, manner: Manner) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).manner = manner;
    }

    pub fn answer_status(&self, status: StatusCode) {
        self.answer(Manner { status, ..Manner::default() });
    }

    /// What it got so far, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).received.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

// === impl Received ===

impl Received {
    /// A header as text; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

async fn accept(
    listener: TcpListener,
    state: Arc<Mutex<State>>,
    cancel: CancellationToken,
    tracker: TaskTracker,
) {
    loop {
        let stream = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        let state = Arc::clone(&state);
        let serving = http1::Builder::new().serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| answer(Arc::clone(&state), request)),
        );
        let cancel = cancel.clone();
        tracker.spawn(async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                // A client that goes away is no fault of this server.
                _ = serving => {}
            }
        });
    }
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let manner = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.received.push(Received { headers: head.headers, body });
        state.manner.clone()
    };
    tokio::time::sleep(manner.delay).await;
    let mut response = Response::new(Full::new(Bytes::from(manner.body)));
    *response.status_mut() = manner.status;
    if let Some(location) = manner.location.and_then(|location| location.parse().ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}
