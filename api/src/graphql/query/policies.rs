//! `policySet`, `policyVersions`, `validatePolicy`, `explainPolicy`, `simulatePolicies` and `approvals`.

use std::net::IpAddr;

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use control::{About, Explain};
use serde_json::Value;

use super::found;
use crate::graphql::{
    caller::Caller,
    model::{
        approval::{Approval, ApprovalState},
        policy::{
            PolicyExplanation, PolicyInput, PolicySet, PolicySimulation, PolicyValidation, Rule,
        },
    },
    page::{Connection, connect, page_args},
    scalar::typed,
};

#[derive(Default)]
pub(crate) struct PoliciesQuery;

/// A question to the policies: about a tool, a document or a prompt.
#[derive(InputObject)]
pub(crate) struct ExplainPolicyInput {
    /// Global id of a person or an API key.
    principal: String,
    /// Of the tool or the document.
    install_id: Option<ID>,
    /// The tool, without the install's prefix.
    tool: Option<String>,
    /// Arguments of the call, an object.
    arguments: Option<Value>,
    /// The document's stream, with `externalId`.
    stream: Option<String>,
    external_id: Option<String>,
    /// A built-in prompt.
    prompt: Option<String>,
    /// What the client calls itself.
    client: Option<String>,
    /// The address that the request comes from.
    network: Option<String>,
    /// Null is now.
    at: Option<DateTime<Utc>>,
}

#[Object]
impl PoliciesQuery {
    /// The policies that count, or an old version of them; null for a version that never was.
    async fn policy_set(
        &self,
        ctx: &Context<'_>,
        version: Option<i64>,
    ) -> Result<Option<PolicySet>> {
        let caller = Caller::of(ctx);
        Ok(found(caller.control.policies(&caller.ctx, version).await)?.map(PolicySet))
    }

    /// All versions but the one that every organisation begins with, newest first.
    async fn policy_versions(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<PolicySet>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let versions = caller.control.list_policy_versions(&caller.ctx, page).await?;
        Ok(connect(versions, continued, PolicySet))
    }

    /// Checks a policy without keeping it.
    async fn validate_policy(
        &self,
        ctx: &Context<'_>,
        policy: PolicyInput,
    ) -> Result<PolicyValidation> {
        let caller = Caller::of(ctx);
        let source = policy.into_source()?;
        Ok(match caller.control.validate_policy(&caller.ctx, &source).await? {
            Ok(rules) => PolicyValidation {
                ok: true,
                rules: rules.into_iter().map(Rule).collect(),
                faults: Vec::new(),
            },
            Err(faults) => PolicyValidation {
                ok: false,
                rules: Vec::new(),
                faults: faults.0.into_iter().map(Into::into).collect(),
            },
        })
    }

    /// What the policies decide about a question, and which of them; null when caller or install are not there.
    async fn explain_policy(
        &self,
        ctx: &Context<'_>,
        input: ExplainPolicyInput,
    ) -> Result<Option<PolicyExplanation>> {
        let caller = Caller::of(ctx);
        let question = question(input)?;
        let explained = caller.control.explain_policy(&caller.ctx, question).await;
        Ok(found(explained)?.map(Into::into))
    }

    /// What a draft of all policies would have changed about recorded calls of tools.
    async fn simulate_policies(
        &self,
        ctx: &Context<'_>,
        policies: Vec<PolicyInput>,
    ) -> Result<PolicySimulation> {
        let caller = Caller::of(ctx);
        let draft = policies.into_iter().map(PolicyInput::into_source);
        let draft = draft.collect::<Result<Vec<_>, _>>()?;
        Ok(caller.control.simulate_policies(&caller.ctx, &draft).await?.into())
    }

    /// Calls that wait or waited for a person, newest first.
    async fn approvals(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
        state: Option<ApprovalState>,
    ) -> Result<Connection<Approval>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let state = state.map(Into::into);
        let approvals = caller.control.list_approvals(&caller.ctx, state, page).await?;
        Ok(connect(approvals, continued, Approval))
    }
}

fn question(input: ExplainPolicyInput) -> Result<Explain, control::Error> {
    let about = match (input.install_id, input.tool, input.stream, input.prompt) {
        (Some(install), Some(tool), None, None) => About::Tool(typed(&install, "installId")?, tool),
        (Some(install), None, Some(stream), None) => {
            let external_id = input.external_id.unwrap_or_default();
            About::Record(typed(&install, "installId")?, stream, external_id)
        }
        (None, None, None, Some(prompt)) => About::Prompt(prompt),
        _ => {
            let message = "ask about `installId` and `tool`, `installId`, `stream` and `externalId`, or `prompt`";
            return Err(invalid("tool", "one_of", message));
        }
    };
    let network = input.network.map(|text| text.parse::<IpAddr>()).transpose();
    let network =
        network.map_err(|_| invalid("network", "address", "this is not an IP address"))?;
    Ok(Explain {
        principal: input.principal,
        about,
        arguments: input.arguments,
        client: input.client.unwrap_or_default(),
        network,
        at: input.at,
    })
}

fn invalid(field: &str, code: &'static str, message: &str) -> control::Error {
    control::Error::Invalid { field: vec![field.to_owned()], code, message: message.to_owned() }
}
