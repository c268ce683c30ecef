//! `updateMember`, `suspendMember`, `reactivateMember`, `removeMember`, `transferOwnership` and `leaveOrganisation`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use control::{TransferOwnership, UpdateMember};

use super::expected;
use crate::graphql::{
    caller::Caller,
    model::{
        member::{Member, Role},
        policy::Classification,
        user_error::UserError,
    },
    scalar::typed,
};

#[derive(Default)]
pub(crate) struct MembersMutation;

#[derive(InputObject)]
pub(crate) struct UpdateMemberInput {
    id: ID,
    /// Null leaves it as it is.
    role: Option<Role>,
    /// Null leaves it as it is.
    clearance: Option<Classification>,
}

#[derive(InputObject)]
pub(crate) struct SuspendMemberInput {
    id: ID,
}

#[derive(InputObject)]
pub(crate) struct ReactivateMemberInput {
    id: ID,
}

#[derive(InputObject)]
pub(crate) struct RemoveMemberInput {
    id: ID,
}

#[derive(InputObject)]
pub(crate) struct TransferOwnershipInput {
    /// The member who becomes an owner.
    to_id: ID,
    /// What the caller is from then on.
    #[graphql(default_with = "Role::Admin")]
    own_role: Role,
}

#[derive(InputObject)]
pub(crate) struct LeaveOrganisationInput {
    /// The organisation in which the caller is signed in; any other is not found.
    tenant_id: ID,
}

payloads!(member: Member, [
    UpdateMemberPayload,
    SuspendMemberPayload,
    ReactivateMemberPayload,
    TransferOwnershipPayload
]);

#[derive(SimpleObject)]
pub(crate) struct RemoveMemberPayload {
    /// Id of the membership that is gone.
    removed_id: Option<ID>,
    user_errors: Vec<UserError>,
}

#[derive(SimpleObject)]
pub(crate) struct LeaveOrganisationPayload {
    /// True: the caller no longer belongs to it, and the session has ended.
    left: bool,
    user_errors: Vec<UserError>,
}

#[Object]
impl MembersMutation {
    /// Gives a member another role or clearance, at most what the caller holds.
    async fn update_member(
        &self,
        ctx: &Context<'_>,
        input: UpdateMemberInput,
    ) -> Result<UpdateMemberPayload> {
        let caller = Caller::of(ctx);
        let updated = async {
            let id = typed(&input.id, "id")?;
            let change = UpdateMember {
                role: input.role.map(Into::into),
                clearance: input.clearance.map(Into::into),
            };
            caller.control.update_member(&caller.ctx, id, change).await
        };
        Ok(expected(updated.await)?.map(Member::of).into())
    }

    /// Shuts a member out until they are reactivated. Their sessions and API keys end for good; role and groups stay.
    async fn suspend_member(
        &self,
        ctx: &Context<'_>,
        input: SuspendMemberInput,
    ) -> Result<SuspendMemberPayload> {
        let caller = Caller::of(ctx);
        let suspended = async {
            let id = typed(&input.id, "id")?;
            caller.control.suspend_member(&caller.ctx, id).await
        };
        Ok(expected(suspended.await)?.map(Member::of).into())
    }

    /// Lets a suspended member in again.
    async fn reactivate_member(
        &self,
        ctx: &Context<'_>,
        input: ReactivateMemberInput,
    ) -> Result<ReactivateMemberPayload> {
        let caller = Caller::of(ctx);
        let reactivated = async {
            let id = typed(&input.id, "id")?;
            caller.control.reactivate_member(&caller.ctx, id).await
        };
        Ok(expected(reactivated.await)?.map(Member::of).into())
    }

    /// Removes a member, with their sessions and API keys here. The last active owner stays.
    async fn remove_member(
        &self,
        ctx: &Context<'_>,
        input: RemoveMemberInput,
    ) -> Result<RemoveMemberPayload> {
        let caller = Caller::of(ctx);
        let removed = async {
            let id = typed(&input.id, "id")?;
            caller.control.remove_member(&caller.ctx, id).await
        };
        Ok(match expected(removed.await)? {
            Ok(()) => RemoveMemberPayload { removed_id: Some(input.id), user_errors: Vec::new() },
            Err(user_errors) => RemoveMemberPayload { removed_id: None, user_errors },
        })
    }

    /// Makes another member an owner in the caller's place.
    async fn transfer_ownership(
        &self,
        ctx: &Context<'_>,
        input: TransferOwnershipInput,
    ) -> Result<TransferOwnershipPayload> {
        let caller = Caller::of(ctx);
        let transferred = async {
            let to = typed(&input.to_id, "toId")?;
            let command = TransferOwnership { to, own_role: input.own_role.into() };
            caller.control.transfer_ownership(&caller.ctx, command).await
        };
        Ok(expected(transferred.await)?.map(Member::of).into())
    }

    /// Takes the caller out of the organisation. The last active owner stays.
    async fn leave_organisation(
        &self,
        ctx: &Context<'_>,
        input: LeaveOrganisationInput,
    ) -> Result<LeaveOrganisationPayload> {
        let caller = Caller::of(ctx);
        let left = async {
            let tenant = typed(&input.tenant_id, "tenantId")?;
            caller.control.leave_organisation(&caller.ctx, tenant).await
        };
        Ok(match expected(left.await)? {
            Ok(()) => {
                caller.sign_out_done();
                LeaveOrganisationPayload { left: true, user_errors: Vec::new() }
            }
            Err(user_errors) => LeaveOrganisationPayload { left: false, user_errors },
        })
    }
}
