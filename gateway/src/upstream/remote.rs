//! Tools of remote MCP servers: the client's call spliced raw into one request, the result handed back raw.

use bytes::Bytes;
use domain::{
    SecretString,
    route::{RemoteServer, RouteInstall},
};
use egress::Limits;

use super::{
    Upstream, era,
    http::{PeerKey, RemoteCall},
    native::refused_credential,
    tool_answer,
    wire::{RemoteError, Site},
};
use crate::{
    call::{Answer, Identified, Outcome, ResultKind, Routed, ToolTarget},
    error::Refusal,
    layer::credential,
    mcp::{
        json::{Members, quoted},
        reply::{adapt, tool_error},
        revision::Era,
    },
};

// === impl Upstream ===

impl Upstream {
    pub(super) async fn call_remote(
        &self,
        identified: &Identified<Routed>,
        (install, server): (&RouteInstall, &RemoteServer),
        target: &ToolTarget,
        bearer: Option<&SecretString>,
    ) -> Outcome {
        let call = &identified.call.call;
        let members = call.params().map(|params| params.members()).unwrap_or_default();
        let name = quoted(&target.tool.own_name);
        let mut params: Vec<(&str, &[u8])> = vec![("name", name.as_bytes())];
        // `task` is the legacy wish to run as a task, which is not bridged and not advertised.
        let passed = members.iter().filter(|(name, _)| !matches!(*name, "name" | "_meta" | "task"));
        params.extend(passed.map(|(name, value)| (name, value.get().as_bytes())));
        let outgoing = RemoteCall {
            method: "tools/call",
            name: Some(&target.tool.own_name),
            params,
            meta: call.params().map(|params| params.meta()).unwrap_or_default(),
            mirrored: &call.mirrored,
            limits: Limits {
                timeout: self.config.call_timeout(),
                max_response_bytes: self.config.max_answer_bytes,
            },
        };
        let key = PeerKey {
            tenant: identified.caller.ctx.tenant(),
            install: install.id,
            version: install.version,
        };
        match self.remote.call(key, Site { url: &server.url, bearer }, &outgoing).await {
            Ok(result) => Ok(received(identified, result)),
            Err(RemoteError::Rpc { error, .. }) => Err(Refusal::Upstream(error)),
            Err(error) => {
                if matches!(error, RemoteError::Unauthorized) {
                    credential::report_refused(&self.control, &identified.caller.ctx, install)
                        .await;
                }
                let message = explain(&install.display_name, &error);
                Ok(tool_answer(identified, tool_error(&message)))
            }
        }
    }
}

fn received(identified: &Identified<Routed>, result: Bytes) -> Answer {
    let kind = kind_of(&result);
    if kind == ResultKind::InputRequired && era(identified) == Era::Legacy {
        return tool_answer(
            identified,
            tool_error(
                "This tool asks for something in between, which needs a client that speaks MCP 2026-07-28.",
            ),
        );
    }
    Answer::result(adapt(result, era(identified)), kind)
}

fn kind_of(result: &[u8]) -> ResultKind {
    let Ok(members) = Members::parse(result) else { return ResultKind::ToolError };
    if members.get("isError").is_some_and(|flag| flag.get() == "true") {
        return ResultKind::ToolError;
    }
    match members.text("resultType") {
        None => ResultKind::Complete,
        Some(Ok(kind)) if kind == "complete" => ResultKind::Complete,
        Some(_) => ResultKind::InputRequired,
    }
}

/// What the model is told when a server gave no result: what is the matter and whether trying again helps, no addresses.
pub(super) fn explain(install: &str, error: &RemoteError) -> String {
    match error {
        RemoteError::Unauthorized => refused_credential(install),
        RemoteError::Timeout | RemoteError::Egress(egress::Error::Timeout { .. }) => {
            format!("{install} did not answer in time. It may or may not have done what was asked.")
        }
        RemoteError::Egress(egress::Error::Forbidden { .. }) => format!(
            "{install} is in a private network, which the operator of this Patchbay does not allow."
        ),
        RemoteError::Egress(egress::Error::TooLarge { limit, .. }) => {
            format!("The answer of {install} is larger than {limit} bytes.")
        }
        RemoteError::Egress(_) | RemoteError::Status(_) | RemoteError::FailedRecently => {
            format!("{install} cannot be reached at the moment. Try again later.")
        }
        RemoteError::Protocol | RemoteError::Rpc { .. } | RemoteError::Request(_) => {
            format!(
                "{install} gave an answer that is not MCP. An administrator should check its address in Patchbay."
            )
        }
        RemoteError::Credential(_) => {
            format!("The credential of {install} cannot be opened at the moment. Try again later.")
        }
    }
}
