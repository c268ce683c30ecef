//! Signed-in browsers.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};

use crate::graphql::caller::Caller;

pub(crate) struct Session(pub(crate) domain::Session);

/// A signed-in browser of the caller.
#[Object]
impl Session {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// Whether it is the one that asks.
    async fn current(&self, ctx: &Context<'_>) -> bool {
        Caller::of(ctx).ctx.session() == Some(self.0.id)
    }

    /// The organisation that it is signed in to.
    async fn tenant_id(&self) -> ID {
        ID(self.0.tenant.to_string())
    }

    /// Who vouched: a connection's id or `provider:` and its key; null for a one-time link.
    async fn signed_in_by(&self) -> Option<String> {
        self.0.proof.as_ref().map(|proof| proof.voucher.to_string())
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// To the minute.
    async fn last_seen_at(&self) -> DateTime<Utc> {
        self.0.last_seen_at
    }

    /// When the person last proved who they are.
    async fn authenticated_at(&self) -> DateTime<Utc> {
        self.0.authenticated_at
    }

    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }
}
