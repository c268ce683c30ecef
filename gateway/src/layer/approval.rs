//! A call that needs a person: passed once it was approved, answered with what it waits for until then.

use control::{Control, Gate, HeldCall};
use domain::{Approval, ApprovalState};
use serde_json::json;

use crate::{
    call::{Answer, Identified, ResultKind, Routed, Target},
    error::Refusal,
    mcp::{
        json::canonical_digest,
        reply::{self, tool_error},
    },
};

/// Names, in `_meta` of the result, the approval that the call waits for.
const META_APPROVAL: &str = "patchbay/approval";

/// `None` when the call may be made now, which uses its approval up; what to answer otherwise.
pub(super) async fn pass(
    control: &Control,
    identified: &Identified<Routed>,
) -> Result<Option<Answer>, Refusal> {
    let params = identified.call.call.params();
    let arguments = params.map_or(b"{}".as_slice(), |params| params.arguments());
    let (Target::Tool(target), Some(digest), Ok(arguments)) =
        (&identified.call.target, canonical_digest(arguments), str::from_utf8(arguments))
    else {
        return Err(Refusal::InvalidParams { message: "`arguments` must be an object" });
    };
    let unknown = || Refusal::UnknownTool { name: target.tool.name.clone() };
    let install = identified.install(target.install).ok_or_else(unknown)?;
    let (caller, name, effect) = (&identified.caller, &target.tool.own_name, target.tool.effect);
    let answer = caller.permits.call(install, name, effect, arguments.as_bytes());
    let rules = answer.policies.iter().filter_map(|it| caller.permits.policies().rule(it));
    let reasons: Vec<&str> = rules.filter_map(|rule| rule.approval.as_deref()).collect();
    let held = HeldCall {
        install: install.id,
        tool: name,
        arguments,
        digest: &digest,
        reason: &reasons.join("; "),
    };
    match control.pass_gate(&caller.ctx, held).await {
        Ok(Gate::Open) => Ok(None),
        Ok(Gate::Closed(approval)) => Ok(Some(closed(identified, &target.tool.name, &approval))),
        Err(control::Error::Denied(_)) => Err(unknown()),
        Err(control::Error::Invalid { .. }) => Err(Refusal::InvalidParams {
            message: "the arguments are too long to be approved by a person",
        }),
        Err(error) => Err(error.into()),
    }
}

fn closed(identified: &Identified<Routed>, tool: &str, approval: &Approval) -> Answer {
    let message = if approval.state == ApprovalState::Refused {
        format!("A person has refused this call of `{tool}` ({}). Do not repeat it.", approval.id)
    } else {
        format!(
            "This call of `{tool}` was not made: it needs the approval of a person ({reason}). Ask somebody who may approve calls \
             to open Approvals in the console of {tenant} and to decide about {id} before {until}. Once it is approved, make \
             the call again with exactly the same arguments; it works once.",
            reason = approval.reason,
            tenant = identified.routes.snapshot.tenant.name,
            id = approval.id,
            until = approval.expires_at.format("%Y-%m-%d %H:%M UTC"),
        )
    };
    let mut value = tool_error(&message);
    value["_meta"] = json!({META_APPROVAL: {
        "id": approval.id,
        "state": approval.state.as_str(),
        "expiresAt": approval.expires_at,
    }});
    Answer::result(reply::complete(value, identified.call.call.era, None), ResultKind::ToolError)
}
