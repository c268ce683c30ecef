//! `createRole`, `updateRole`, `deleteRole`, `assignRole` and `unassignRole`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use control::{CreateRole, RoleInUse, UpdateRole};
use domain::{
    RoleHolder,
    id::{Kind, kind},
};

use super::expected;
use crate::graphql::{
    caller::Caller,
    model::{permission::Permission, role::CustomRole, user_error::UserError},
    scalar::typed,
};

#[derive(Default)]
pub(crate) struct RolesMutation;

#[derive(InputObject)]
pub(crate) struct CreateRoleInput {
    name: String,
    #[graphql(default)]
    description: String,
    /// At least one; at most what the caller holds.
    permissions: Vec<Permission>,
}

#[derive(InputObject)]
pub(crate) struct UpdateRoleInput {
    id: ID,
    name: Option<String>,
    description: Option<String>,
    /// All that it holds from now on; null leaves them as they are.
    permissions: Option<Vec<Permission>>,
    /// The version that the change is based on; null overwrites whatever is there.
    expected_version: Option<i64>,
}

#[derive(InputObject)]
pub(crate) struct DeleteRoleInput {
    id: ID,
    /// The role that those who have this one get in its place.
    replace_with_id: Option<ID>,
    /// True: take it from those who have it.
    #[graphql(default)]
    unassign: bool,
}

#[derive(InputObject)]
pub(crate) struct AssignRoleInput {
    role_id: ID,
    /// A member (`membership:…`) or a group (`group:…`).
    holder_id: ID,
}

#[derive(InputObject)]
pub(crate) struct UnassignRoleInput {
    role_id: ID,
    /// A member (`membership:…`) or a group (`group:…`).
    holder_id: ID,
}

payloads!(role: CustomRole, [
    CreateRolePayload,
    UpdateRolePayload,
    AssignRolePayload,
    UnassignRolePayload
]);

#[derive(SimpleObject)]
pub(crate) struct DeleteRolePayload {
    /// Id of the role that is gone.
    deleted_id: Option<ID>,
    user_errors: Vec<UserError>,
}

#[Object]
impl RolesMutation {
    /// Makes a role of the organisation's own.
    async fn create_role(
        &self,
        ctx: &Context<'_>,
        input: CreateRoleInput,
    ) -> Result<CreateRolePayload> {
        let caller = Caller::of(ctx);
        let command = CreateRole {
            name: input.name,
            description: input.description,
            permissions: input.permissions.into_iter().map(Into::into).collect(),
        };
        let created = caller.control.create_role(&caller.ctx, command).await;
        Ok(expected(created)?.map(CustomRole).into())
    }

    /// Changes a role, for everybody who has it.
    async fn update_role(
        &self,
        ctx: &Context<'_>,
        input: UpdateRoleInput,
    ) -> Result<UpdateRolePayload> {
        let caller = Caller::of(ctx);
        let updated = async {
            let id = typed(&input.id, "id")?;
            let permissions = input.permissions;
            let change = UpdateRole {
                name: input.name,
                description: input.description,
                permissions: permissions.map(|all| all.into_iter().map(Into::into).collect()),
                expected_version: input.expected_version,
            };
            caller.control.update_role(&caller.ctx, id, change).await
        };
        Ok(expected(updated.await)?.map(CustomRole).into())
    }

    /// Deletes a role. One that somebody has is kept, unless the input says what becomes of them.
    async fn delete_role(
        &self,
        ctx: &Context<'_>,
        input: DeleteRoleInput,
    ) -> Result<DeleteRolePayload> {
        let caller = Caller::of(ctx);
        let deleted = async {
            let id = typed(&input.id, "id")?;
            let in_use = match (&input.replace_with_id, input.unassign) {
                (None, false) => RoleInUse::Refuse,
                (None, true) => RoleInUse::Unassign,
                (Some(other), false) => RoleInUse::Replace(typed(other, "replaceWithId")?),
                (Some(_), true) => return Err(one_of("unassign")),
            };
            caller.control.delete_role(&caller.ctx, id, in_use).await
        };
        Ok(match expected(deleted.await)? {
            Ok(()) => DeleteRolePayload { deleted_id: Some(input.id), user_errors: Vec::new() },
            Err(user_errors) => DeleteRolePayload { deleted_id: None, user_errors },
        })
    }

    /// Gives a role to a member, or to everybody in a group.
    async fn assign_role(
        &self,
        ctx: &Context<'_>,
        input: AssignRoleInput,
    ) -> Result<AssignRolePayload> {
        let changed = change(Caller::of(ctx), &input.role_id, &input.holder_id, true).await;
        Ok(expected(changed)?.map(CustomRole).into())
    }

    /// Takes a role from a member or a group.
    async fn unassign_role(
        &self,
        ctx: &Context<'_>,
        input: UnassignRoleInput,
    ) -> Result<UnassignRolePayload> {
        let changed = change(Caller::of(ctx), &input.role_id, &input.holder_id, false).await;
        Ok(expected(changed)?.map(CustomRole).into())
    }
}

async fn change(
    caller: &Caller,
    id: &ID,
    holder: &ID,
    give: bool,
) -> Result<domain::CustomRole, control::Error> {
    let id = typed(id, "roleId")?;
    let holder = if holder.starts_with(kind::Group::PREFIX) {
        RoleHolder::Group(typed(holder, "holderId")?)
    } else {
        RoleHolder::Member(typed(holder, "holderId")?)
    };
    caller.control.change_role_holder(&caller.ctx, id, holder, give).await
}

fn one_of(field: &str) -> control::Error {
    control::Error::Invalid {
        field: vec![field.to_owned()],
        code: "one_of",
        message: "either take the role away or replace it".to_owned(),
    }
}
