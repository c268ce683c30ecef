//! Whoever asks.

use async_graphql::{Context, Object};

use super::{
    member::{Role, User},
    permission::Permission,
    tenant::Tenant,
};
use crate::graphql::caller::Caller;

pub(crate) struct Viewer(pub(crate) control::Viewer);

/// Whoever asks, and the organisation they act in.
#[Object]
impl Viewer {
    /// The person; null for an API key.
    async fn user(&self) -> Option<User> {
        self.0.user.clone().map(User)
    }

    async fn tenant(&self) -> Tenant {
        Tenant(self.0.tenant.clone())
    }

    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// What the caller may do: their role's permissions, and less where a key leaves some out.
    async fn permissions(&self, ctx: &Context<'_>) -> Vec<Permission> {
        Caller::of(ctx).ctx.access().permissions.iter().map(Into::into).collect()
    }

    /// To be sent as `X-Patchbay-CSRF` with every mutation of a browser session; empty for an API key, which needs none.
    async fn csrf_token(&self, ctx: &Context<'_>) -> String {
        let caller = Caller::of(ctx);
        caller.ctx.session().map_or_else(String::new, |session| caller.control.csrf_token(session))
    }
}
