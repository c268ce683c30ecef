//! Remote MCP servers of both eras. Which era a server speaks is found out once per install version, modern first; from then
//! on a call is exactly one request.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use domain::{InstallId, TenantId};
use egress::{Egress, Limits};
use http::StatusCode;
use serde_json::json;
use telemetry::{Metrics, propagate};
use tokio::{sync::Mutex, time::Instant};
use tracing::{Instrument, info_span};

use super::wire::{Incoming, Outgoing, RemoteError, Site, Wire};
use crate::mcp::{
    headers,
    json::{Members, ObjectWriter, quoted},
    reply::server_info,
    revision::{self, Era, META_CAPABILITIES, META_CLIENT, META_REVISION},
};

/// Peers that are remembered at once.
const MAX_PEERS: u64 = 100_000;
/// How long a server counts as legacy before a listing asks it again.
const LEGACY_BELIEVED: Duration = Duration::from_hours(1);
/// The request that may take the time to ask: calls stay exactly one request.
pub(crate) const LIST: &str = "tools/list";
const METHOD_NOT_FOUND: i64 = -32601;

/// Which server: a new version of the install (another URL, another credential) is another peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PeerKey {
    pub(crate) tenant: TenantId,
    pub(crate) install: InstallId,
    pub(crate) version: i64,
}

/// A request to a remote server, before its era is known.
pub(crate) struct RemoteCall<'a> {
    pub(crate) method: &'static str,
    /// What `Mcp-Name` says to a modern server.
    pub(crate) name: Option<&'a str>,
    /// Members of `params` other than `_meta`, in order.
    pub(crate) params: Vec<(&'a str, &'a [u8])>,
    /// `_meta` of the client.
    pub(crate) meta: Members<'a>,
    /// `Mcp-Param-*` of the client.
    pub(crate) mirrored: &'a [(String, String)],
    pub(crate) limits: Limits,
}

/// The client of all remote servers.
pub(crate) struct Remote {
    wire: Wire,
    peers: moka::sync::Cache<PeerKey, Arc<Peer>>,
    metrics: Metrics,
}

#[derive(Default)]
struct Peer {
    link: ArcSwapOption<Link>,
    handshake: Mutex<()>,
}

/// How a server is spoken to.
#[derive(Debug, PartialEq, Eq)]
enum Link {
    Modern,
    Legacy { revision: String, session: Option<String>, since: Instant },
}

// === impl Remote ===

impl Remote {
    pub(crate) fn new(egress: Egress, metrics: Metrics) -> Self {
        let peers = moka::sync::Cache::builder().max_capacity(MAX_PEERS).build();
        Self { wire: Wire::new(egress), peers, metrics }
    }

    /// Makes a call and returns its result. At most once: it is sent again only when a legacy server says with 404 that it
    /// no longer knows the session, which means that it has not carried the call out.
    pub(crate) async fn call(
        &self,
        key: PeerKey,
        site: Site<'_>,
        call: &RemoteCall<'_>,
    ) -> Result<Bytes, RemoteError> {
        let span = client_span(call);
        let started = Instant::now();
        let outcome = self.exchange(key, site, call).instrument(span.clone()).await;
        let word = match &outcome {
            Ok(_) => "ok",
            Err(RemoteError::Unauthorized) => "unauthorized",
            Err(RemoteError::Rpc { .. }) => "error",
            Err(_) => "failed",
        };
        if let Err(error) = &outcome {
            span.record("error.type", word);
            tracing::info!(install.id = %key.install, error = error as &dyn std::error::Error, "A remote MCP server did not give a result");
        }
        self.metrics.upstream_operation(call.method, word, started.elapsed().as_secs_f64());
        outcome
    }

    async fn exchange(
        &self,
        key: PeerKey,
        site: Site<'_>,
        call: &RemoteCall<'_>,
    ) -> Result<Bytes, RemoteError> {
        let peer = self.peers.get_with(key, Arc::default);
        let mut link = self.link(&peer, site, call.limits).await?;
        if call.method == LIST && link.is_doubtful() {
            peer.forget(&link);
            link = self.link(&peer, site, call.limits).await?;
        }
        match self.wire.request(site, call.outgoing(&link)).await {
            Err(error) if is_lost_session(&link, &error) => {
                peer.forget(&link);
                let link = self.link(&peer, site, call.limits).await?;
                Ok(self.wire.request(site, call.outgoing(&link)).await?.result)
            }
            Err(error) => {
                if is_other_era(&link, &error) {
                    // The next call asks anew; this one fails loudly.
                    peer.forget(&link);
                }
                Err(error)
            }
            Ok(incoming) => Ok(incoming.result),
        }
    }

    async fn link(
        &self,
        peer: &Peer,
        site: Site<'_>,
        limits: Limits,
    ) -> Result<Arc<Link>, RemoteError> {
        if let Some(link) = peer.link.load_full() {
            return Ok(link);
        }
        let _one_handshake = peer.handshake.lock().await;
        if let Some(link) = peer.link.load_full() {
            return Ok(link);
        }
        let link = Arc::new(self.shake_hands(site, limits).await?);
        peer.link.store(Some(Arc::clone(&link)));
        Ok(link)
    }

    async fn shake_hands(&self, site: Site<'_>, limits: Limits) -> Result<Link, RemoteError> {
        let discover = RemoteCall {
            method: "server/discover",
            name: None,
            params: Vec::new(),
            meta: Members::default(),
            mirrored: &[],
            limits,
        };
        match self.wire.request(site, discover.outgoing(&Link::Modern)).await {
            Ok(answer) if names_modern(&answer.result, "supportedVersions") => Ok(Link::Modern),
            Ok(_) => self.initialize(site, limits).await,
            Err(error) => match verdict(&error) {
                Some(Era::Modern) => Ok(Link::Modern),
                Some(Era::Legacy) => self.initialize(site, limits).await,
                None => Err(error),
            },
        }
    }

    async fn initialize(&self, site: Site<'_>, limits: Limits) -> Result<Link, RemoteError> {
        let params = json!({
            "protocolVersion": revision::LEGACY,
            "capabilities": {},
            "clientInfo": server_info(),
        });
        let outgoing = Outgoing {
            method: "initialize",
            params: Some(params.to_string().into()),
            headers: Vec::new(),
            limits,
        };
        let Incoming { result, session } = self.wire.request(site, outgoing).await?;
        let members = Members::parse(&result).map_err(|_| RemoteError::Protocol)?;
        let revision = members.text("protocolVersion").and_then(Result::ok);
        let revision = revision.ok_or(RemoteError::Protocol)?.into_owned();
        let link = Link::Legacy { revision, session, since: Instant::now() };
        let outgoing = Outgoing {
            method: "notifications/initialized",
            params: None,
            headers: link.headers(),
            limits,
        };
        self.wire.notify(site, outgoing).await?;
        Ok(link)
    }
}

// === impl Peer ===

impl Peer {
    /// Forgets a link, unless somebody has made a new one meanwhile.
    fn forget(&self, link: &Arc<Link>) {
        self.link.rcu(|current| match current {
            Some(current) if Arc::ptr_eq(current, link) => None,
            other => other.clone(),
        });
    }
}

// === impl Link ===

impl Link {
    /// A wrong "modern" fails loudly, but a server that has learnt the newer revision still answers in the old one: so that
    /// verdict is not believed for ever.
    fn is_doubtful(&self) -> bool {
        matches!(self, Link::Legacy { since, .. } if since.elapsed() > LEGACY_BELIEVED)
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        match self {
            Link::Modern => vec![(headers::REVISION, revision::MODERN.to_owned())],
            Link::Legacy { revision, session, .. } => {
                let revision = (headers::REVISION, revision.clone());
                let session = session.clone().map(|session| (headers::SESSION, session));
                std::iter::once(revision).chain(session).collect()
            }
        }
    }
}

// === impl RemoteCall ===

impl RemoteCall<'_> {
    fn outgoing(&self, link: &Link) -> Outgoing<'_> {
        let mut headers = link.headers();
        let mut all: Vec<(&str, String)> = Vec::with_capacity(headers.len() + 2);
        all.append(&mut headers);
        if *link == Link::Modern {
            all.push((headers::METHOD, self.method.to_owned()));
            all.extend(self.name.map(|name| (headers::NAME, headers::encode(name).into_owned())));
            all.extend(self.mirrored.iter().map(|(name, value)| (name.as_str(), value.clone())));
        }
        Outgoing {
            method: self.method,
            params: Some(self.params(link)),
            headers: all,
            limits: self.limits,
        }
    }

    /// `params` with a `_meta` that is ours where it has to be and the client's where it may be.
    fn params(&self, link: &Link) -> Bytes {
        let size: usize =
            self.params.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        let mut writer = ObjectWriter::with_capacity(size + 320);
        for (name, value) in &self.params {
            writer.raw(name, value);
        }
        writer.raw("_meta", &self.meta(link));
        writer.finish().into()
    }

    fn meta(&self, link: &Link) -> Vec<u8> {
        let mut writer = ObjectWriter::with_capacity(256);
        if *link == Link::Modern {
            let capabilities = self.meta.get(META_CAPABILITIES).map_or("{}", |raw| raw.get());
            writer
                .raw(META_REVISION, quoted(revision::MODERN).as_bytes())
                .raw(META_CAPABILITIES, capabilities.as_bytes())
                .raw(META_CLIENT, server_info().to_string().as_bytes());
        }
        if let Some(traceparent) = propagate::current_traceparent() {
            writer.text("traceparent", &traceparent);
        }
        for (name, value) in self.meta.iter() {
            // The progress token is dropped because nothing carries the progress back yet.
            let ours = matches!(name, "traceparent" | "tracestate" | "baggage" | "progressToken")
                || name.starts_with("io.modelcontextprotocol/");
            if !ours {
                writer.raw(name, value.get().as_bytes());
            }
        }
        writer.finish()
    }
}

/// No span under no span: a call that is not traced costs nothing here.
fn client_span(call: &RemoteCall<'_>) -> tracing::Span {
    if tracing::Span::current().is_none() {
        return tracing::Span::none();
    }
    let name = call.name.map_or_else(
        || call.method.to_owned(),
        |name| format!("{} {}", call.method, name.chars().take(128).collect::<String>()),
    );
    info_span!(
        "mcp.upstream",
        otel.name = name,
        otel.kind = "client",
        mcp.method.name = call.method,
        gen_ai.tool.name = call.name,
        error.type = tracing::field::Empty,
    )
}

/// What a failed `server/discover` says of the era. Neither a refused credential nor a broken line says anything.
fn verdict(error: &RemoteError) -> Option<Era> {
    match error {
        RemoteError::Rpc { error, .. } if error.code == -32022 => {
            let data = error.data.as_ref().map(ToString::to_string).unwrap_or_default();
            Some(if names_modern(data.as_bytes(), "supported") { Era::Modern } else { Era::Legacy })
        }
        RemoteError::Rpc { error, .. } if matches!(error.code, -32021 | -32020) => {
            Some(Era::Modern)
        }
        RemoteError::Rpc { status: StatusCode::NOT_FOUND, error }
            if error.code == METHOD_NOT_FOUND =>
        {
            Some(Era::Modern)
        }
        RemoteError::Rpc { status: StatusCode::FORBIDDEN, .. }
        | RemoteError::Status(StatusCode::FORBIDDEN) => None,
        RemoteError::Rpc { .. } | RemoteError::Protocol => Some(Era::Legacy),
        RemoteError::Status(status) if status.is_client_error() => Some(Era::Legacy),
        _ => None,
    }
}

/// Whether a list of versions, a member of an object, has the modern one.
fn names_modern(object: &[u8], member: &str) -> bool {
    Members::parse(object)
        .ok()
        .and_then(|members| serde_json::from_str::<Vec<String>>(members.get(member)?.get()).ok())
        .is_some_and(|versions| versions.iter().any(|version| version == revision::MODERN))
}

/// Whether a legacy server no longer knows the session (specification 2025-11-25, basic/transports, session management).
fn is_lost_session(link: &Link, error: &RemoteError) -> bool {
    let status = match error {
        RemoteError::Status(status) | RemoteError::Rpc { status, .. } => *status,
        _ => return false,
    };
    matches!(link, Link::Legacy { session: Some(_), .. }) && status == StatusCode::NOT_FOUND
}

/// Whether the error says that the server speaks another era than we thought.
fn is_other_era(link: &Link, error: &RemoteError) -> bool {
    match (link, error) {
        (_, RemoteError::Rpc { error, .. }) => error.code == -32022 || error.code == -32020,
        (Link::Modern, RemoteError::Status(status)) => *status == StatusCode::BAD_REQUEST,
        _ => false,
    }
}
