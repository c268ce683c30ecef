//! Synced documents, and what a search finds among them.

use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::install::Install;
use crate::graphql::caller::Caller;

pub(crate) struct Record(pub(crate) domain::Record);

pub(crate) struct RecordHit(pub(crate) domain::RecordHit);

/// A synced document.
#[Object]
impl Record {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    async fn install_id(&self) -> ID {
        ID(self.0.install.to_string())
    }

    /// Which of the connector's streams it came from.
    async fn stream(&self) -> &str {
        &self.0.stream
    }

    /// The source's own name of it.
    async fn external_id(&self) -> &str {
        &self.0.external_id
    }

    async fn title(&self) -> &str {
        &self.0.title
    }

    async fn body(&self) -> &str {
        &self.0.body
    }

    async fn mime_type(&self) -> &str {
        &self.0.mime_type
    }

    /// Where a person can look at the original.
    async fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    async fn metadata(&self) -> &Value {
        &self.0.metadata
    }

    async fn source_updated_at(&self) -> Option<DateTime<Utc>> {
        self.0.source_updated_at
    }

    async fn synced_at(&self) -> DateTime<Utc> {
        self.0.synced_at
    }

    async fn install(&self, ctx: &Context<'_>) -> Result<Install> {
        let found = Caller::of(ctx).loaders.installs.load_one(self.0.install).await?;
        // The install can be removed between reading the record and reading the install.
        Ok(Install(found.ok_or(control::Error::NotFound)?))
    }
}

/// A document found by a search.
#[Object]
impl RecordHit {
    async fn record(&self) -> Record {
        Record(self.0.record.clone())
    }

    /// Higher is better; comparable only within one answer.
    async fn score(&self) -> f64 {
        self.0.score
    }

    /// A piece of the body around the words found.
    async fn snippet(&self) -> &str {
        &self.0.snippet
    }
}
