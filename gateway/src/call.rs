//! What travels through the stack, stage by stage: [`Call`] -> [`Identified`] -> [`Routed`] -> `Permitted` (made only by
//! `layer/permit.rs`), and what comes back: an [`Answer`] or a refusal.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use control::Permits;
use domain::{
    OpCtx, OpenedCredentials, Origin, Principal, SecretString, TenantId, route::RouteInstall,
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    error::Refusal,
    mcp::{
        merge::OfferedTool,
        request::{Params, RequestId},
        revision::Era,
    },
    snapshots::Routes,
};

/// How a request ends.
pub(crate) type Outcome = Result<Answer, Refusal>;

/// A well-formed request from somebody, not yet known who.
pub(crate) struct Call {
    /// From the path.
    pub(crate) tenant: String,
    pub(crate) token: Option<SecretString>,
    pub(crate) era: Era,
    pub(crate) act: Act,
    /// `Mcp-Session-Id` of a legacy client.
    pub(crate) session: Option<String>,
    /// From the header; the one in `_meta` goes first.
    pub(crate) traceparent: Option<String>,
    /// `Mcp-Param-*`: handed on to modern upstreams as they are.
    pub(crate) mirrored: Vec<(String, String)>,
    /// From where it came, as far as the transport tells.
    pub(crate) origin: Origin,
    pub(crate) request_id: String,
    pub(crate) started: Instant,
    pub(crate) trail: Arc<Trail>,
}

/// What the HTTP request asks for.
pub(crate) enum Act {
    Request { id: RequestId, method: Method, params: Box<Params> },
    Notification,
    Response,
    OpenStream,
    EndSession,
}

/// The methods that we serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Method {
    Discover,
    Initialize,
    Ping,
    ListTools,
    CallTool,
    ListResources,
    ListTemplates,
    ReadResource,
    ListPrompts,
    GetPrompt,
    Other(String),
}

/// What inner layers learn and outer layers report. Set at most once each; no lock.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    pub(crate) tenant: OnceLock<TenantId>,
    pub(crate) actor: OnceLock<Principal>,
    /// `{alias}` of the install that answers.
    pub(crate) install: OnceLock<String>,
    pub(crate) cache: OnceLock<&'static str>,
    /// The audit log has no place for this call.
    pub(crate) unnoted: OnceLock<()>,
    /// The policy refused; the client is told something else.
    pub(crate) denied: OnceLock<()>,
    /// The credentials that are opened on the way.
    pub(crate) opened: OnceLock<OpenedCredentials>,
    /// What the policies said, for the audit log.
    pub(crate) decision: OnceLock<serde_json::Value>,
}

/// A call of a known caller of a known tenant.
pub(crate) struct Identified<C> {
    pub(crate) call: C,
    pub(crate) caller: Caller,
    pub(crate) routes: Arc<Routes>,
}

/// Who calls.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) ctx: OpCtx,
    /// The key or the grant that was shown: what sessions and rates are bound to.
    pub(crate) credential: Uuid,
    /// Whether the client was let change something, as far as the person may.
    pub(crate) may_change: bool,
    /// What they may see and do.
    pub(crate) permits: Permits,
}

/// A call whose meaning is known.
pub(crate) struct Routed {
    pub(crate) call: Call,
    pub(crate) target: Target,
}

/// What a call is for.
pub(crate) enum Target {
    Discover,
    Initialize,
    Ping,
    ListTools,
    /// A tool of an install, found in its table.
    Tool(ToolTarget),
    /// The tool may be one of this install, whose tools cannot be listed at the moment or not for this caller.
    Unlisted {
        install: usize,
    },
    /// The built-in tools over synced records.
    Search,
    Fetch,
    ListResources,
    ListTemplates,
    ReadResource {
        install: usize,
        stream: String,
        external_id: String,
    },
    ListPrompts,
    GetPrompt,
    /// Taken note of; nothing to answer.
    Accept,
    EndSession(crate::mcp::session::Session),
}

/// A tool and whose it is.
pub(crate) struct ToolTarget {
    /// Index into the snapshot's installs.
    pub(crate) install: usize,
    pub(crate) tool: OfferedTool,
}

/// A good answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) body: AnswerBody,
    /// A fresh session, for the header.
    pub(crate) session: Option<String>,
}

/// What a good answer carries.
#[derive(Debug, Clone)]
pub(crate) enum AnswerBody {
    /// The `result` as JSON.
    Result { json: Bytes, kind: ResultKind },
    /// 202 without a body.
    Accepted,
    /// 204: the session is over.
    Ended,
}

/// What a result is worth to a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResultKind {
    Complete,
    /// A tool result with `isError`.
    ToolError,
    /// The upstream wants something from the client first.
    InputRequired,
}

// === impl Call ===

impl Call {
    /// Method name for spans, metrics and audit: a small fixed set, whatever clients send.
    pub(crate) fn label(&self) -> &'static str {
        match &self.act {
            Act::Request { method, .. } => method.label(),
            Act::Notification => "notifications",
            Act::Response => "response",
            Act::OpenStream => "GET",
            Act::EndSession => "DELETE",
        }
    }

    /// `params` of a request; empty for everything else.
    pub(crate) fn params(&self) -> Option<&Params> {
        match &self.act {
            Act::Request { params, .. } => Some(params),
            _ => None,
        }
    }

    pub(crate) fn id(&self) -> Option<&RequestId> {
        match &self.act {
            Act::Request { id, .. } => Some(id),
            _ => None,
        }
    }
}

// === impl Method ===

impl Method {
    pub(crate) const NAMES: &[(&str, Method)] = &[
        ("server/discover", Method::Discover),
        ("initialize", Method::Initialize),
        ("ping", Method::Ping),
        ("tools/list", Method::ListTools),
        ("tools/call", Method::CallTool),
        ("resources/list", Method::ListResources),
        ("resources/templates/list", Method::ListTemplates),
        ("resources/read", Method::ReadResource),
        ("prompts/list", Method::ListPrompts),
        ("prompts/get", Method::GetPrompt),
    ];

    pub(crate) fn parse(name: String) -> Self {
        match Self::NAMES.iter().find(|(known, _)| *known == name) {
            Some((_, method)) => method.clone(),
            None => Self::Other(name),
        }
    }

    /// As the client wrote it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => known.label(),
        }
    }

    fn label(&self) -> &'static str {
        Self::NAMES.iter().find(|(_, method)| method == self).map_or("other", |(name, _)| name)
    }
}

// === impl Identified ===

impl<C> Identified<C> {
    pub(crate) fn map<D>(self, change: impl FnOnce(C) -> D) -> Identified<D> {
        Identified { call: change(self.call), caller: self.caller, routes: self.routes }
    }
}

impl Identified<Routed> {
    /// The install at an index that the route layer found.
    pub(crate) fn install(&self, index: usize) -> Option<&RouteInstall> {
        self.routes.snapshot.installs.get(index)
    }
}

// === impl Answer ===

impl Answer {
    pub(crate) fn result(json: Bytes, kind: ResultKind) -> Self {
        Self { body: AnswerBody::Result { json, kind }, session: None }
    }

    pub(crate) fn complete(json: Bytes) -> Self {
        Self::result(json, ResultKind::Complete)
    }

    pub(crate) const fn accepted() -> Self {
        Self { body: AnswerBody::Accepted, session: None }
    }

    /// Word for metrics and spans.
    pub(crate) const fn outcome(&self) -> &'static str {
        match self.body {
            AnswerBody::Result { kind: ResultKind::ToolError, .. } => "tool_error",
            _ => "ok",
        }
    }
}
