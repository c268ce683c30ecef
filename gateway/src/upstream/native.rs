//! Tools of connectors that run in this process, through the control plane.

use control::{ToolOutput, UpstreamKind};
use domain::route::RouteInstall;
use serde_json::{Value, json};

use super::{Upstream, tool_answer};
use crate::{
    call::{Identified, Outcome, Routed, ToolTarget},
    error::Refusal,
    mcp::reply::tool_error,
};

// === impl Upstream ===

impl Upstream {
    pub(super) async fn call_native(
        &self,
        identified: &Identified<Routed>,
        install: &RouteInstall,
        target: &ToolTarget,
    ) -> Outcome {
        let Some(arguments) = arguments(identified) else {
            return Ok(tool_answer(identified, tool_error("`arguments` must be a JSON object.")));
        };
        let outcome = self
            .control
            .call_tool(&identified.caller.ctx, install.id, &target.tool.own_name, &arguments)
            .await;
        let value = match outcome {
            Ok(output) => written(output),
            Err(error) => tool_error(&explain(error, &install.display_name, &target.tool.name)?),
        };
        Ok(tool_answer(identified, value))
    }
}

/// The arguments of the call; `None` if they are no object that we can read.
pub(super) fn arguments(identified: &Identified<Routed>) -> Option<Value> {
    let raw = identified.call.call.params().map_or(b"{}".as_slice(), |it| it.arguments());
    serde_json::from_slice::<Value>(raw).ok().filter(Value::is_object)
}

fn written(output: ToolOutput) -> Value {
    let mut value = json!({"content": [{"type": "text", "text": output.text}]});
    if let Some(structured) = output.structured {
        value["structuredContent"] = structured;
    }
    if output.is_error {
        value["isError"] = true.into();
    }
    value
}

/// What the model is told of a failed call. What it must not know becomes a refusal.
pub(super) fn explain(error: control::Error, install: &str, tool: &str) -> Result<String, Refusal> {
    match error {
        control::Error::Upstream { kind: UpstreamKind::Auth, .. } => {
            Ok(refused_credential(install))
        }
        control::Error::Upstream { message, .. }
        | control::Error::Invalid { message, .. }
        | control::Error::Conflict { message, .. } => Ok(message),
        control::Error::Limited { retry_after } => Ok(format!(
            "{install} asks to wait: try again in {} seconds.",
            retry_after.as_secs().max(1)
        )),
        control::Error::NotFound
        | control::Error::Denied(_)
        | control::Error::Unauthenticated
        | control::Error::Reauthenticate => Err(Refusal::UnknownTool { name: tool.to_owned() }),
        internal @ control::Error::Internal(_) => Err(Refusal::Internal(Box::new(internal))),
    }
}

/// For the person behind the model: who has to do what.
pub(super) fn refused_credential(install: &str) -> String {
    format!(
        "{install} refused the stored credential. An administrator has to give a new one in Patchbay, \
         on the page of this install; trying again does not help until then."
    )
}
