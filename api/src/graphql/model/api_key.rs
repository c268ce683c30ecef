//! Keys for AI clients and scripts.

use async_graphql::{ID, Object};
use chrono::{DateTime, Utc};

use super::member::Role;

pub(crate) struct ApiKey(pub(crate) domain::ApiKey);

/// A key for AI clients and scripts. Its text is shown once, by `createApiKey`.
#[Object]
impl ApiKey {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    async fn name(&self) -> &str {
        &self.0.name
    }

    /// First characters of its text.
    async fn prefix(&self) -> &str {
        &self.0.prefix
    }

    async fn last_four(&self) -> &str {
        &self.0.last_four
    }

    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// The only installs it reaches; null reaches all.
    async fn install_ids(&self) -> Option<Vec<ID>> {
        let installs = self.0.installs.as_ref()?;
        Some(installs.iter().map(|install| ID(install.to_string())).collect())
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

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
