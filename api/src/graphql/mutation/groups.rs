//! `createGroup`, `renameGroup`, `removeGroup`, `addGroupMembers` and `removeGroupMembers`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::expected;
use crate::graphql::{
    caller::Caller,
    model::{group::Group, user_error::UserError},
    scalar::{typed, typed_all},
};

#[derive(Default)]
pub(crate) struct GroupsMutation;

#[derive(InputObject)]
pub(crate) struct CreateGroupInput {
    name: String,
}

#[derive(InputObject)]
pub(crate) struct RenameGroupInput {
    id: ID,
    name: String,
}

#[derive(InputObject)]
pub(crate) struct RemoveGroupInput {
    id: ID,
}

#[derive(InputObject)]
pub(crate) struct AddGroupMembersInput {
    id: ID,
    /// At most 1000.
    member_ids: Vec<ID>,
}

#[derive(InputObject)]
pub(crate) struct RemoveGroupMembersInput {
    id: ID,
    /// At most 1000.
    member_ids: Vec<ID>,
}

/// Writes a payload with the group that was changed.
macro_rules! payload {
    ($name:ident) => {
        #[derive(SimpleObject)]
        pub(crate) struct $name {
            group: Option<Group>,
            user_errors: Vec<UserError>,
        }

        impl $name {
            fn of(result: Result<domain::Group, control::Error>) -> Result<Self> {
                Ok(match expected(result)? {
                    Ok(group) => Self { group: Some(Group(group)), user_errors: Vec::new() },
                    Err(user_errors) => Self { group: None, user_errors },
                })
            }
        }
    };
}

payload!(CreateGroupPayload);
payload!(RenameGroupPayload);
payload!(AddGroupMembersPayload);
payload!(RemoveGroupMembersPayload);

#[derive(SimpleObject)]
pub(crate) struct RemoveGroupPayload {
    /// Id of the group that is gone.
    removed_id: Option<ID>,
    user_errors: Vec<UserError>,
}

#[Object]
impl GroupsMutation {
    /// Makes a group.
    async fn create_group(
        &self,
        ctx: &Context<'_>,
        input: CreateGroupInput,
    ) -> Result<CreateGroupPayload> {
        let caller = Caller::of(ctx);
        CreateGroupPayload::of(caller.control.create_group(&caller.ctx, &input.name).await)
    }

    /// Gives a group another name.
    async fn rename_group(
        &self,
        ctx: &Context<'_>,
        input: RenameGroupInput,
    ) -> Result<RenameGroupPayload> {
        let caller = Caller::of(ctx);
        let renamed = async {
            let id = typed(&input.id, "id")?;
            caller.control.rename_group(&caller.ctx, id, &input.name).await
        };
        RenameGroupPayload::of(renamed.await)
    }

    /// Removes a group. Its members stay members of the organisation.
    async fn remove_group(
        &self,
        ctx: &Context<'_>,
        input: RemoveGroupInput,
    ) -> Result<RemoveGroupPayload> {
        let caller = Caller::of(ctx);
        let removed = async {
            let id = typed(&input.id, "id")?;
            caller.control.remove_group(&caller.ctx, id).await
        };
        Ok(match expected(removed.await)? {
            Ok(()) => RemoveGroupPayload { removed_id: Some(input.id), user_errors: Vec::new() },
            Err(user_errors) => RemoveGroupPayload { removed_id: None, user_errors },
        })
    }

    /// Puts members into a group. Who is in it already is passed over.
    async fn add_group_members(
        &self,
        ctx: &Context<'_>,
        input: AddGroupMembersInput,
    ) -> Result<AddGroupMembersPayload> {
        let changed = change(Caller::of(ctx), &input.id, &input.member_ids, true);
        AddGroupMembersPayload::of(changed.await)
    }

    /// Takes members out of a group. Who is not in it is passed over.
    async fn remove_group_members(
        &self,
        ctx: &Context<'_>,
        input: RemoveGroupMembersInput,
    ) -> Result<RemoveGroupMembersPayload> {
        let changed = change(Caller::of(ctx), &input.id, &input.member_ids, false);
        RemoveGroupMembersPayload::of(changed.await)
    }
}

async fn change(
    caller: &Caller,
    id: &ID,
    members: &[ID],
    add: bool,
) -> Result<domain::Group, control::Error> {
    let (id, members) = (typed(id, "id")?, typed_all(members, "memberIds")?);
    caller.control.change_group_members(&caller.ctx, id, &members, add).await
}
