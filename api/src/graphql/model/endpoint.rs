//! Where AI clients connect.

use async_graphql::{ID, Object};
use chrono::{DateTime, Utc};

pub(crate) struct Endpoint {
    pub(crate) endpoint: domain::Endpoint,
    /// Absolute address of the MCP endpoint.
    pub(crate) url: String,
}

/// An MCP endpoint of the organisation.
#[Object]
impl Endpoint {
    pub(crate) async fn id(&self) -> ID {
        ID(self.endpoint.id.to_string())
    }

    async fn slug(&self) -> &str {
        &self.endpoint.slug
    }

    async fn name(&self) -> &str {
        &self.endpoint.name
    }

    /// Told to AI clients when they connect.
    async fn instructions(&self) -> Option<&str> {
        self.endpoint.instructions.as_deref()
    }

    /// Absolute address to give to an AI client.
    async fn url(&self) -> &str {
        &self.url
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.endpoint.created_at
    }
}
