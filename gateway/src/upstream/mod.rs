//! Behind all layers: who really answers. Accepts only permitted calls that carry what they need.

pub(crate) mod http;
pub(crate) mod lists;
mod native;
mod prompts;
mod remote;
mod sse;
pub(crate) mod synced;
mod tools;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use control::Control;
use serde_json::{Value, json};

use crate::{
    call::{Answer, AnswerBody, Identified, Outcome, ResultKind, Routed, Target},
    clock::Now,
    config::Config,
    error::Refusal,
    layer::credential::Armed,
    mcp::{
        cursor::Cursor,
        reply::{self, server_info},
        revision::{self, Era},
        session::{Holder, Sessions},
    },
    stack::Service,
};

/// The innermost service.
pub(crate) struct Upstream {
    pub(crate) control: Control,
    pub(crate) config: Arc<Config>,
    pub(crate) lists: Arc<lists::Lists>,
    pub(crate) remote: Arc<http::Remote>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) now: Now,
}

// === impl Upstream ===

impl Service<Armed> for Upstream {
    async fn call(&self, armed: Armed) -> Outcome {
        let identified = armed.permitted.get();
        match &identified.call.target {
            Target::Discover => Ok(self.own(identified, discover(identified))),
            Target::Initialize => self.initialize(identified),
            Target::Ping => Ok(self.own(identified, json!({}))),
            Target::ListTools => self.list_tools(identified).await,
            Target::Tool(target) => self.call_tool(identified, target, armed.bearer.as_ref()).await,
            Target::Unlisted { install } => self.explain_unlisted(identified, *install).await,
            Target::Search => self.search(identified).await,
            Target::Fetch => self.fetch(identified).await,
            Target::ListResources => self.list_resources(identified).await,
            Target::ListTemplates => {
                single_page(identified)?;
                Ok(self.own(identified, synced::templates(identified)))
            }
            Target::ReadResource { install, stream, external_id } => {
                self.read_resource(identified, *install, stream, external_id).await
            }
            Target::ListPrompts => {
                single_page(identified)?;
                Ok(self.own(identified, prompts::list(identified)))
            }
            Target::GetPrompt => {
                let prompt = self.prompt(identified).await?;
                Ok(Answer::complete(reply::complete(prompt, era(identified), None)))
            }
            Target::Accept => Ok(Answer::accepted()),
            Target::EndSession(session) => {
                self.sessions.end(*session);
                Ok(Answer { body: AnswerBody::Ended, session: None })
            }
        }
    }
}

impl Upstream {
    /// An answer of our own that a client may keep for as long as we use a list ourselves.
    fn own(&self, identified: &Identified<Routed>, value: Value) -> Answer {
        let ttl_ms = u64::from(self.config.list_ttl_seconds) * 1000;
        Answer::complete(reply::complete(value, era(identified), Some(ttl_ms)))
    }

    fn initialize(&self, identified: &Identified<Routed>) -> Outcome {
        let offered = identified.call.call.params().and_then(|it| it.offered_revision.as_deref());
        let revision = revision::negotiate(offered);
        let tenant = identified.routes.snapshot.tenant.id;
        let holder = Holder { tenant, credential: identified.caller.credential };
        let session = self
            .sessions
            .start(holder, revision, self.now.now())
            .map_err(|error| Refusal::Internal(Box::new(error)))?;
        let mut value = about(identified);
        value["protocolVersion"] = revision.into();
        value["serverInfo"] = server_info();
        let json: Bytes = value.to_string().into();
        Ok(Answer { session: Some(session), ..Answer::complete(json) })
    }
}

/// Capabilities and instructions: what both handshakes tell.
fn about(identified: &Identified<Routed>) -> Value {
    let mut value = json!({"capabilities": {"tools": {}, "resources": {}, "prompts": {}}});
    if let Some(instructions) = &identified.routes.snapshot.instructions {
        value["instructions"] = instructions.as_str().into();
    }
    value
}

fn discover(identified: &Identified<Routed>) -> Value {
    let mut value = about(identified);
    value["supportedVersions"] = revision::SUPPORTED.into();
    value["serverInfo"] = server_info();
    value
}

fn era(identified: &Identified<Routed>) -> Era {
    identified.call.call.era
}

/// The cursor of the client, if it sent one.
fn cursor(identified: &Identified<Routed>) -> Option<&str> {
    identified.call.call.params().and_then(|params| params.cursor.as_deref())
}

fn single_page(identified: &Identified<Routed>) -> Result<(), Refusal> {
    Cursor::of_single_page(cursor(identified)).map_err(|_| Refusal::BadCursor)
}

/// A result of a tool of ours.
fn tool_answer(identified: &Identified<Routed>, value: Value) -> Answer {
    let failed = value.get("isError").and_then(Value::as_bool) == Some(true);
    let kind = if failed { ResultKind::ToolError } else { ResultKind::Complete };
    Answer::result(reply::complete(value, era(identified), None), kind)
}
