//! Tokens by which a directory provisions.

use async_graphql::{ID, Object};
use chrono::{DateTime, Utc};

pub(crate) struct ScimToken(pub(crate) domain::ScimToken);

/// A token by which the organisation's directory provisions members and groups (SCIM 2.0). Its text is shown once.
#[Object]
impl ScimToken {
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    async fn name(&self) -> &str {
        &self.0.name
    }

    async fn last_four(&self) -> &str {
        &self.0.last_four
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// Set when another one takes its place.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.expires_at
    }

    async fn last_used_at(&self) -> Option<DateTime<Utc>> {
        self.0.last_used_at
    }

    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }
}
