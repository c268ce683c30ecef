//! Notes each request and each refusal: who, what, how it ended, how long it took. Of arguments
//! the digest and size alone, unless the organisation asked for more.

use std::{num::NonZeroU32, sync::Arc};

use bytes::Bytes;
use control::{Action, CallAudit, CallSlot, Control};
use domain::{ApiKeyId, AuditOutcome, OpenedCredentials, Principal, SystemReason, TenantId};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde_json::{Value, json};

use crate::{
    call::{Act, Answer, AnswerBody, Call, Method, Outcome, ResultKind, Trail},
    error::Refusal,
    mcp::{
        json::{Members, canonical_digest, digest},
        redact,
        request::Params,
        revision::META_CLIENT,
    },
    stack::{Layer, Service},
};

/// Refused requests that are written down per minute, of all wrong keys of an organisation and of each key that calls too often:
/// neither must be able to fill the log.
const REFUSED_PER_MINUTE: NonZeroU32 = NonZeroU32::new(20).expect("20 is not zero");

/// Makes the layer.
pub(crate) struct Record {
    pub(crate) control: Control,
}

/// A service whose calls are noted.
pub(crate) struct Recorded<S> {
    inner: S,
    control: Control,
    refused: DefaultKeyedRateLimiter<(TenantId, Option<ApiKeyId>)>,
}

/// What is known before the call is handed on.
struct Note {
    action: Action,
    target: Option<String>,
    detail: serde_json::Map<String, Value>,
    /// Of a tool call; written down only where the organisation wants them.
    arguments: Option<Bytes>,
    request_id: String,
    started: tokio::time::Instant,
    trail: Arc<Trail>,
}

// === impl Record ===

impl<S> Layer<S> for Record {
    type Service = Recorded<S>;

    fn layer(self, inner: S) -> Recorded<S> {
        let refused = RateLimiter::keyed(Quota::per_minute(REFUSED_PER_MINUTE));
        Recorded { inner, control: self.control, refused }
    }
}

// === impl Recorded ===

impl<S: Service<Call>> Service<Call> for Recorded<S> {
    async fn call(&self, call: Call) -> Outcome {
        let note = Note::of(&call);
        // Before the call is served: what cannot be noted may have to be refused.
        let slot = note.as_ref().and_then(|_| self.control.reserve_call());
        if note.is_some() && slot.is_none() {
            // Nobody else sets it.
            let _ = call.trail.unnoted.set(());
        }
        let outcome = self.inner.call(call).await;
        if let Some(note) = note {
            self.record(note, slot, &outcome);
        }
        outcome
    }
}

impl<S> Recorded<S> {
    fn record(&self, note: Note, slot: Option<CallSlot>, outcome: &Outcome) {
        // Nothing was done: there is nothing missing in the log.
        if matches!(outcome, Err(Refusal::NotNoted)) {
            return;
        }
        // Without a tenant there is nobody in whose log it could stand.
        let Some(tenant) = note.trail.tenant.get().copied() else { return };
        let actor = note.trail.actor.get().cloned();
        let key = if let Some(Principal::ApiKey(key)) = actor { Some(key) } else { None };
        let may_flood = key.is_none() || matches!(outcome, Err(Refusal::LimitReached { .. }));
        if may_flood && self.refused.check_key(&(tenant, key)).is_err() {
            return;
        }
        let mut detail = note.detail;
        detail.insert("ms".to_owned(), json!(millis(note.started.elapsed())));
        if let Some(install) = note.trail.install.get() {
            detail.insert("install".to_owned(), install.as_str().into());
        }
        if let Some(decision) = note.trail.decision.get() {
            detail.insert("policy".to_owned(), decision.clone());
        }
        let opened = note.trail.opened.get().map(OpenedCredentials::list).unwrap_or_default();
        if !opened.is_empty() {
            detail.insert("credentials".to_owned(), json!(opened));
        }
        if let Some(cache) = note.trail.cache.get() {
            detail.insert("cache".to_owned(), (*cache).into());
        }
        if let Some(arguments) = &note.arguments
            && self.control.keeps_arguments(tenant)
        {
            let kept = redact::kept(arguments).unwrap_or_else(|| "[too large to be kept]".into());
            detail.insert("arguments".to_owned(), kept);
        }
        if let Ok(Answer { body: AnswerBody::Result { json, .. }, .. }) = outcome {
            detail.insert("response_bytes".to_owned(), json.len().into());
        }
        if let Err(refusal) = outcome {
            detail.insert("refusal".to_owned(), refusal.outcome().into());
        }
        let call = CallAudit {
            actor: actor.unwrap_or(Principal::System(SystemReason::BuildRoutes)),
            action: note.action,
            target: note.target,
            outcome: audited(&note.trail, outcome),
            request_id: note.request_id,
            detail: Value::Object(detail),
        };
        self.control.record_call(slot, tenant, call);
    }
}

// === impl Note ===

impl Note {
    /// `None` for what is not worth a line.
    fn of(call: &Call) -> Option<Self> {
        let mut detail = serde_json::Map::new();
        let mut arguments = None;
        let target = match &call.act {
            Act::Request { method: Method::Ping, .. } | Act::Notification | Act::Response => {
                return None;
            }
            Act::Request { method, params, .. } => {
                if *method == Method::CallTool {
                    let given = params.shared_arguments();
                    let hash = canonical_digest(&given).unwrap_or_else(|| digest(&given));
                    detail.insert("arguments_sha256".to_owned(), hash.into());
                    detail.insert("arguments_bytes".to_owned(), given.len().into());
                    arguments = Some(given);
                }
                if let Some(client) = client(method, params) {
                    detail.insert("client".to_owned(), client);
                }
                params.name.as_ref().or(params.uri.as_ref())
            }
            Act::OpenStream | Act::EndSession => None,
        };
        Some(Self {
            action: Action::of_call(call.label()),
            target: target.map(|name| name.chars().take(256).collect()),
            detail,
            arguments,
            request_id: call.request_id.clone(),
            started: call.started,
            trail: Arc::clone(&call.trail),
        })
    }
}

/// What the client calls itself, and in which version: a claim. Legacy clients say it once, when they initialize.
fn client(method: &Method, params: &Params) -> Option<Value> {
    const LONGEST: usize = 100;
    let (meta, members) = (params.meta(), params.members());
    let info = match method {
        Method::Initialize => members.get("clientInfo"),
        _ => meta.get(META_CLIENT),
    };
    let info = Members::parse(info?.get().as_bytes()).ok()?;
    let said = |name: &str| {
        let text = info.text(name)?.ok()?;
        Some(text.chars().take(LONGEST).collect::<String>())
    };
    Some(json!({ "name": said("name"), "version": said("version") }))
}

fn audited(trail: &Trail, outcome: &Outcome) -> AuditOutcome {
    match outcome {
        Ok(Answer { body: AnswerBody::Result { kind: ResultKind::ToolError, .. }, .. }) => {
            AuditOutcome::Failed
        }
        Ok(_) => AuditOutcome::Succeeded,
        Err(Refusal::Unauthenticated | Refusal::LimitReached { .. }) => AuditOutcome::Denied,
        Err(_) if trail.denied.get().is_some() => AuditOutcome::Denied,
        Err(_) => AuditOutcome::Failed,
    }
}

fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
