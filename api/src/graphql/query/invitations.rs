//! `invitations`.

use async_graphql::{Context, Object, Result};

use crate::graphql::{
    caller::Caller,
    model::invitation::Invitation,
    page::{Connection, connect, page_args},
};

#[derive(Default)]
pub(crate) struct InvitationsQuery;

#[Object]
impl InvitationsQuery {
    /// Invitations, newest first, whatever became of them.
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<Invitation>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let found = caller.control.list_invitations(&caller.ctx, page).await?;
        Ok(connect(found, continued, |it| Invitation::of(caller, it)))
    }
}
