//! `signOut`.

use async_graphql::{Context, Object, Result, SimpleObject};

use crate::graphql::caller::Caller;

#[derive(Default)]
pub(crate) struct SessionMutation;

#[derive(SimpleObject)]
pub(crate) struct SignOutPayload {
    /// True: the session can no longer be used.
    ok: bool,
}

#[Object]
impl SessionMutation {
    /// Ends the browser session that asks. An API key is ended by `revokeApiKey`.
    async fn sign_out(&self, ctx: &Context<'_>) -> Result<SignOutPayload> {
        let caller = Caller::of(ctx);
        caller.control.sign_out(&caller.ctx).await?;
        caller.sign_out_done();
        Ok(SignOutPayload { ok: true })
    }
}
