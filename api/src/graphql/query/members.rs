//! `members`.

use async_graphql::{Context, Object, Result};

use crate::graphql::{
    caller::Caller,
    model::member::Member,
    page::{Connection, connect, page_args},
};

#[derive(Default)]
pub(crate) struct MembersQuery;

#[Object]
impl MembersQuery {
    /// Who belongs to the organisation.
    async fn members(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<Member>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let members = caller.control.list_members(&caller.ctx, page).await?;
        Ok(connect(members, continued, Member::of))
    }
}
