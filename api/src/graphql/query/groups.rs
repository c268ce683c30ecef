//! `groups`.

use async_graphql::{Context, Object, Result};

use crate::graphql::{
    caller::Caller,
    model::group::Group,
    page::{Connection, connect, page_args},
};

#[derive(Default)]
pub(crate) struct GroupsQuery;

#[Object]
impl GroupsQuery {
    /// Groups of the organisation's members.
    async fn groups(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<Group>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let groups = caller.control.list_groups(&caller.ctx, page).await?;
        Ok(connect(groups, continued, Group))
    }
}
