//! `savePolicy`, `removePolicy`, `restorePolicySet` and `decideApproval`.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use control::{PolicyVersion, SavePolicy};

use super::expected;
use crate::graphql::{
    caller::Caller,
    model::{
        approval::Approval,
        policy::{PolicyInput, PolicySet},
        user_error::UserError,
    },
    scalar::typed,
};

#[derive(Default)]
pub(crate) struct PoliciesMutation;

#[derive(InputObject)]
pub(crate) struct SavePolicyInput {
    policy: PolicyInput,
    /// Refused with `CONFLICT` unless this is still the version that counts.
    expected_version: Option<i64>,
    /// For people who read the versions.
    note: Option<String>,
}

#[derive(InputObject)]
pub(crate) struct RemovePolicyInput {
    name: String,
    /// Refused with `CONFLICT` unless this is still the version that counts.
    expected_version: Option<i64>,
}

#[derive(InputObject)]
pub(crate) struct RestorePolicySetInput {
    /// 0 is what every organisation begins with.
    version: i64,
}

payloads!(policy_set: PolicySet, [SavePolicyPayload, RemovePolicyPayload, RestorePolicySetPayload]);

/// A decision about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum ApprovalDecision {
    Approve,
    Refuse,
}

#[derive(InputObject)]
pub(crate) struct DecideApprovalInput {
    id: ID,
    decision: ApprovalDecision,
}

#[derive(SimpleObject)]
pub(crate) struct DecideApprovalPayload {
    approval: Option<Approval>,
    user_errors: Vec<UserError>,
}

#[Object]
impl PoliciesMutation {
    /// Adds a policy, or replaces the one of its name. Makes a new version.
    async fn save_policy(
        &self,
        ctx: &Context<'_>,
        input: SavePolicyInput,
    ) -> Result<SavePolicyPayload> {
        payload(save(Caller::of(ctx), input).await)
    }

    /// Removes a policy. Makes a new version.
    async fn remove_policy(
        &self,
        ctx: &Context<'_>,
        input: RemovePolicyInput,
    ) -> Result<RemovePolicyPayload> {
        let caller = Caller::of(ctx);
        let expected = input.expected_version;
        payload(caller.control.remove_policy(&caller.ctx, &input.name, expected).await)
    }

    /// Makes the policies of an old version count again, as a new version.
    async fn restore_policy_set(
        &self,
        ctx: &Context<'_>,
        input: RestorePolicySetInput,
    ) -> Result<RestorePolicySetPayload> {
        let caller = Caller::of(ctx);
        payload(caller.control.restore_policies(&caller.ctx, input.version).await)
    }

    /// Approves or refuses a call that waits.
    async fn decide_approval(
        &self,
        ctx: &Context<'_>,
        input: DecideApprovalInput,
    ) -> Result<DecideApprovalPayload> {
        Ok(match expected(decide(Caller::of(ctx), input).await)? {
            Ok(approval) => DecideApprovalPayload {
                approval: Some(Approval(approval)),
                user_errors: Vec::new(),
            },
            Err(user_errors) => DecideApprovalPayload { approval: None, user_errors },
        })
    }
}

fn payload<P: From<Result<PolicySet, Vec<UserError>>>>(
    result: Result<PolicyVersion, control::Error>,
) -> Result<P> {
    Ok(expected(result)?.map(PolicySet).into())
}

async fn save(caller: &Caller, input: SavePolicyInput) -> Result<PolicyVersion, control::Error> {
    let command = SavePolicy {
        source: input.policy.into_source()?,
        expected_version: input.expected_version,
        note: input.note,
    };
    caller.control.save_policy(&caller.ctx, command).await
}

async fn decide(
    caller: &Caller,
    input: DecideApprovalInput,
) -> Result<domain::Approval, control::Error> {
    let id = typed(&input.id, "id")?;
    let approve = input.decision == ApprovalDecision::Approve;
    caller.control.decide_approval(&caller.ctx, id, approve).await
}
