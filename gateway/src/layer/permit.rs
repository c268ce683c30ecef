//! May this caller do this? The same question decides what is listed and what can be called, and only this file makes a
//! [`Permitted`].

use control::{Control, Decision, ToolEffect};
use domain::route::RouteInstall;
use serde_json::json;

use super::approval;

use crate::{
    call::{Caller, Identified, Outcome, Routed, Target},
    error::Refusal,
    mcp::merge::OfferedTool,
    stack::{Layer, Service},
};

/// A call that the policy allows. Nothing else reaches cache, credential and upstream.
pub(crate) struct Permitted<C>(Identified<C>);

/// Makes the layer.
pub(crate) struct Authorize {
    pub(crate) control: Control,
}

/// A service behind the policy.
pub(crate) struct Permitting<S> {
    inner: S,
    control: Control,
}

// === impl Permitted ===

impl<C> Permitted<C> {
    pub(crate) fn get(&self) -> &Identified<C> {
        &self.0
    }
}

// === impl Authorize ===

impl<S> Layer<S> for Authorize {
    type Service = Permitting<S>;

    fn layer(self, inner: S) -> Permitting<S> {
        Permitting { inner, control: self.control }
    }
}

// === impl Permitting ===

impl<S: Service<Permitted<Routed>>> Service<Identified<Routed>> for Permitting<S> {
    async fn call(&self, identified: Identified<Routed>) -> Outcome {
        let decision = decide(&identified);
        // Said to those alone whom the policy lets: to the others there is no such tool.
        if decision != Decision::Deny && !identified.caller.may_change && changes(&identified.call)
        {
            return Err(Refusal::InsufficientScope);
        }
        match decision {
            Decision::Allow => self.inner.call(Permitted(identified)).await,
            Decision::Deny => {
                let _ = identified.call.call.trail.denied.set(());
                Err(as_unknown(&identified.call))
            }
            Decision::NeedsApproval => match approval::pass(&self.control, &identified).await? {
                None => self.inner.call(Permitted(identified)).await,
                Some(waits) => Ok(waits),
            },
        }
    }
}

/// Decides, and notes for the audit log what was decided about a tool.
fn decide(identified: &Identified<Routed>) -> Decision {
    let Target::Tool(target) = &identified.call.target else {
        return if allows(identified) { Decision::Allow } else { Decision::Deny };
    };
    let Some(install) = identified.install(target.install) else { return Decision::Deny };
    let (caller, call) = (&identified.caller, &identified.call.call);
    let arguments = call.params().map_or(b"{}".as_slice(), |params| params.arguments());
    let (name, effect) = (&target.tool.own_name, target.tool.effect);
    let answer = caller.permits.call(install, name, effect, arguments);
    if !answer.errors.is_empty() {
        tracing::warn!(install.id = %install.id, errors = ?answer.errors, "Policies could not be evaluated: the call is refused");
    }
    let _ = call.trail.decision.set(json!({
        "decision": answer.decision.as_str(),
        "policies": answer.policies,
        "version": caller.permits.policies().version(),
        "tool": name,
        "effect": effect.as_str(),
        "client": caller.ctx.origin().client,
    }));
    answer.decision
}

/// Whether the call is of a tool that does more than read.
fn changes(routed: &Routed) -> bool {
    matches!(&routed.target, Target::Tool(target) if target.tool.effect != ToolEffect::ReadOnly)
}

fn allows(identified: &Identified<Routed>) -> bool {
    let caller = &identified.caller;
    match &identified.call.target {
        Target::Unlisted { install } => {
            identified.install(*install).is_some_and(|install| may_use_some(caller, install))
        }
        Target::Search | Target::Fetch => may_search(caller, &identified.routes.snapshot.installs),
        Target::ReadResource { install, stream, external_id } => identified
            .install(*install)
            .is_some_and(|install| caller.permits.record(install, stream, external_id)),
        Target::GetPrompt => {
            let name = identified.call.call.params().and_then(|params| params.name.as_deref());
            name.is_none_or(|name| caller.permits.prompt(name))
        }
        // A call of a tool is decided with its arguments. Lists hold what the caller may use and nothing else; the rest concerns
        // the caller alone.
        Target::Tool(_) => false,
        Target::Discover
        | Target::Initialize
        | Target::Ping
        | Target::ListTools
        | Target::ListResources
        | Target::ListTemplates
        | Target::ListPrompts
        | Target::Accept
        | Target::EndSession(_) => true,
    }
}

/// What the caller is told: exactly what a name that does not exist gets.
fn as_unknown(routed: &Routed) -> Refusal {
    let params = routed.call.params();
    match &routed.target {
        Target::ReadResource { .. } => Refusal::UnknownResource {
            uri: params.and_then(|params| params.uri.clone()).unwrap_or_default(),
        },
        Target::GetPrompt => Refusal::UnknownPrompt {
            name: params.and_then(|params| params.name.clone()).unwrap_or_default(),
        },
        _ => Refusal::UnknownTool {
            name: params.and_then(|params| params.name.clone()).unwrap_or_default(),
        },
    }
}

/// Whether a tool is listed for the caller and may be called by them.
pub(crate) fn may_use(caller: &Caller, install: &RouteInstall, tool: &OfferedTool) -> bool {
    caller.permits.tool(install, &tool.own_name, tool.effect)
}

/// Whether the caller may use any tool of an install, as far as that can be said without their list.
pub(crate) fn may_use_some(caller: &Caller, install: &RouteInstall) -> bool {
    caller.permits.some_tool(install)
}

/// Whether any records of an install are listed, found and read.
pub(crate) fn may_read(caller: &Caller, install: &RouteInstall) -> bool {
    caller.permits.some_record(install)
}

/// Whether the tools over synced records are listed and may be called: there has to be something to find.
pub(crate) fn may_search(caller: &Caller, installs: &[RouteInstall]) -> bool {
    installs.iter().any(|install| may_read(caller, install))
}
