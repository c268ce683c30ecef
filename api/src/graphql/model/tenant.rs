//! An organisation.

use async_graphql::{ID, Object};
use chrono::{DateTime, Utc};

pub(crate) struct Tenant(pub(crate) domain::Tenant);

/// An organisation.
#[Object]
impl Tenant {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// Its part of the MCP address.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    async fn name(&self) -> &str {
        &self.0.name
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}
