//! `keyRing` and `keyRotations`.

use async_graphql::{Context, Object, Result};

use crate::graphql::{
    caller::Caller,
    model::key::{KeyRing, KeyRotation},
    page::{Connection, connect, page_args},
};

#[derive(Default)]
pub(crate) struct KeysQuery;

#[Object]
impl KeysQuery {
    /// The keys under which the organisation's secrets are sealed, without the keys.
    async fn key_ring(&self, ctx: &Context<'_>) -> Result<KeyRing> {
        let caller = Caller::of(ctx);
        Ok(caller.control.key_ring(&caller.ctx).await?.into())
    }

    /// Rotations of the data key, newest first.
    async fn key_rotations(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<KeyRotation>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let rotations = caller.control.list_key_rotations(&caller.ctx, page).await?;
        Ok(connect(rotations, continued, KeyRotation))
    }
}
