//! The HTTP client: one pool, checked addresses, bounded answers.

use std::{
    error::Error as StdError,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use telemetry::propagate;
use tokio::time::{Instant, timeout_at};

use crate::{Config, Error, Limits, resolver::Resolver};

type Pool = Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// The client. Clones share one pool of connections.
#[derive(Clone)]
pub struct Egress(Arc<Inner>);

struct Inner {
    pool: Pool,
    resolver: Resolver,
    config: Config,
}

/// An answer's body, piece by piece, within the limits of its request.
pub struct Body {
    inner: Incoming,
    host: String,
    left: u64,
    limit: u64,
    deadline: Pin<Box<tokio::time::Sleep>>,
}

// === impl Egress ===

impl Egress {
    /// A client under these rules.
    pub fn new(config: Config) -> Self {
        let resolver = Resolver { allow_private: config.allow_private_networks };
        let mut connector = HttpConnector::new_with_resolver(resolver);
        connector.set_nodelay(true);
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(Duration::from_secs(10)));
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(connector);
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_mins(1))
            .build(connector);
        Self(Arc::new(Inner { pool, resolver, config }))
    }

    /// Sends a request and takes the whole answer. Redirects come back as they are.
    ///
    /// # Errors
    /// See [`Error`]; nothing was sent for [`Error::Forbidden`] and [`Error::Url`].
    pub async fn send(
        &self,
        request: Request<Bytes>,
        limits: &Limits,
    ) -> Result<Response<Bytes>, Error> {
        let limits = self.bounded(limits);
        let deadline = Instant::now() + limits.timeout;
        let host = checked_host(&request)?;
        let (parts, body) = self.start(request, &host, deadline).await?.into_parts();
        let limit = usize::try_from(limits.max_response_bytes).unwrap_or(usize::MAX);
        let whole = timeout_at(deadline, Limited::new(body, limit).collect())
            .await
            .map_err(|_| Error::Timeout { host: host.clone() })?
            .map_err(|source| {
                if source.is::<http_body_util::LengthLimitError>() {
                    Error::TooLarge { host, limit: limits.max_response_bytes }
                } else {
                    Error::Broken { host, source }
                }
            })?;
        Ok(Response::from_parts(parts, whole.to_bytes()))
    }

    /// Sends a request and gives the answer's body as a stream.
    ///
    /// # Errors
    /// As [`Egress::send`]; limits that are passed later end the stream with an error.
    pub async fn stream(
        &self,
        request: Request<Bytes>,
        limits: &Limits,
    ) -> Result<Response<Body>, Error> {
        let limits = self.bounded(limits);
        let deadline = Instant::now() + limits.timeout;
        let host = checked_host(&request)?;
        let answer = self.start(request, &host, deadline).await?;
        Ok(answer.map(|inner| Body {
            inner,
            host,
            left: limits.max_response_bytes,
            limit: limits.max_response_bytes,
            deadline: Box::pin(tokio::time::sleep_until(deadline)),
        }))
    }

    /// Whether addresses of private networks may be called.
    pub fn allows_private_networks(&self) -> bool {
        self.0.config.allow_private_networks
    }

    /// TXT records of a name; none when there is no such name. The name servers are the operator's: what a tenant names is asked
    /// about, never called.
    ///
    /// # Errors
    /// [`Error::NameServer`].
    pub async fn lookup_txt(&self, name: &str) -> Result<Vec<String>, Error> {
        crate::txt::lookup(name, &self.0.config.name_servers).await
    }

    /// Checked addresses of a host, for protocols other than HTTP: dial these and no other.
    ///
    /// # Errors
    /// [`Error::Resolve`] and [`Error::Forbidden`].
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
        self.0.resolver.resolve(host, port).await
    }

    async fn start(
        &self,
        mut request: Request<Bytes>,
        host: &str,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Error> {
        // The connector does not ask the resolver about literal addresses, so these are checked here.
        let port = request.uri().port_u16().unwrap_or(0);
        if is_literal(host) {
            self.0.resolver.resolve(host, port).await?;
        }
        if let Some(traceparent) = propagate::current_traceparent()
            && let Ok(value) = HeaderValue::from_str(&traceparent)
        {
            request.headers_mut().insert(propagate::TRACEPARENT, value);
        }
        let sent = self.0.pool.request(request.map(Full::new));
        match timeout_at(deadline, sent).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(source)) => Err(classify(host, source)),
            Err(_) => Err(Error::Timeout { host: host.to_owned() }),
        }
    }

    fn bounded(&self, limits: &Limits) -> Limits {
        let config = &self.0.config;
        Limits {
            timeout: limits.timeout.min(Duration::from_secs(config.timeout_seconds)),
            max_response_bytes: limits.max_response_bytes.min(config.max_response_bytes),
        }
    }
}

fn checked_host<B>(request: &Request<B>) -> Result<String, Error> {
    let uri = request.uri();
    let authority = uri.authority().ok_or(Error::Url)?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    if !known || authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(Error::Url);
    }
    Ok(authority.host().to_owned())
}

fn is_literal(host: &str) -> bool {
    host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>().is_ok()
}

/// Finds our own refusal inside of the pool's error, so that a caller can tell it from a network that is down.
fn classify(host: &str, source: hyper_util::client::legacy::Error) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&source);
    while let Some(inner) = cause {
        match inner.downcast_ref::<Error>() {
            Some(Error::Forbidden { host }) => return Error::Forbidden { host: host.clone() },
            Some(Error::Resolve { host, source }) => {
                let source = io::Error::new(source.kind(), source.to_string());
                return Error::Resolve { host: host.clone(), source };
            }
            _ => cause = inner.source(),
        }
    }
    let host = host.to_owned();
    if source.is_connect() {
        Error::Connect { host, source: Box::new(source) }
    } else {
        Error::Broken { host, source: Box::new(source) }
    }
}

// === impl Body ===

impl Stream for Body {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(Error::Timeout { host: self.host.clone() })));
        }
        loop {
            let frame = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Ok(frame)) => frame,
                Some(Err(source)) => {
                    let host = self.host.clone();
                    return Poll::Ready(Some(Err(Error::Broken {
                        host,
                        source: Box::new(source),
                    })));
                }
            };
            let Ok(data) = frame.into_data() else { continue };
            let size = data.len() as u64;
            if size > self.left {
                let (host, limit) = (self.host.clone(), self.limit);
                return Poll::Ready(Some(Err(Error::TooLarge { host, limit })));
            }
            self.left -= size;
            return Poll::Ready(Some(Ok(data)));
        }
    }
}
