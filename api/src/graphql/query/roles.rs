//! `roles` and `permissions`.

use async_graphql::{Context, Object, Result};

use crate::graphql::{
    caller::Caller,
    model::role::{CustomRole, PermissionDescription},
    page::{Connection, connect, page_args},
};

#[derive(Default)]
pub(crate) struct RolesQuery;

#[Object]
impl RolesQuery {
    /// The organisation's own roles, oldest first. The built-in ones are the values of `Role`.
    async fn roles(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<CustomRole>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let found = caller.control.list_roles(&caller.ctx, page).await?;
        Ok(connect(found, continued, CustomRole))
    }

    /// Every permission that a role can hold, with what it means.
    async fn permissions(&self, ctx: &Context<'_>) -> Result<Vec<PermissionDescription>> {
        let caller = Caller::of(ctx);
        let found = caller.control.list_permissions(&caller.ctx).await?;
        let described = found.into_iter().map(|(name, grantable)| PermissionDescription {
            permission: name.into(),
            description: name.description(),
            grantable,
        });
        Ok(described.collect())
    }
}
