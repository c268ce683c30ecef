//! Connectors that the organisation has installed.

use async_graphql::{Context, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{connector::Connector, policy::Classification, record::Record, sync_run::SyncRun};
use crate::graphql::{
    caller::Caller,
    page::{Connection, connect, page_args},
};

/// Where an install stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::InstallStatus")]
pub(crate) enum InstallStatus {
    /// Works, or has not been tried yet.
    Active,
    /// Switched off by an admin: hidden from clients, kept.
    Paused,
    /// The upstream refused the credential: hidden from clients until a new one is given.
    NeedsReauth,
}

pub(crate) struct Install(pub(crate) domain::Install);

/// A connector installed by the organisation.
#[Object]
impl Install {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// Prefix of its tools (`{alias}__{tool}`), never changed.
    async fn alias(&self) -> &str {
        &self.0.alias
    }

    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    async fn status(&self) -> InstallStatus {
        self.0.status.into()
    }

    /// How confidential everything of it is.
    async fn classification(&self) -> Classification {
        self.0.classification.into()
    }

    /// Settings by the connector's `configSchema`; never a secret.
    async fn config(&self) -> &Value {
        &self.0.config
    }

    async fn has_credential(&self) -> bool {
        self.0.has_credential
    }

    /// Counts every change; give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// Seconds between automatic syncs; null syncs only when asked.
    async fn sync_interval_seconds(&self) -> Option<i64> {
        self.0.sync_interval_seconds
    }

    async fn last_synced_at(&self) -> Option<DateTime<Utc>> {
        self.0.last_synced_at
    }

    async fn record_count(&self) -> i64 {
        self.0.record_count
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    async fn connector(&self, ctx: &Context<'_>) -> Result<Connector> {
        let caller = Caller::of(ctx);
        Ok(Connector(caller.control.find_connector(&caller.ctx, &self.0.connector).await?))
    }

    /// The newest sync; null before the first.
    async fn latest_run(&self, ctx: &Context<'_>) -> Result<Option<SyncRun>> {
        Ok(Caller::of(ctx).loaders.latest_runs.load_one(self.0.id).await?.map(SyncRun))
    }

    /// Its syncs, newest first.
    async fn runs(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<SyncRun>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let runs = caller.control.list_runs(&caller.ctx, self.0.id, page).await?;
        Ok(connect(runs, continued, SyncRun))
    }

    /// What it has synced.
    async fn records(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<Record>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let records = caller.control.list_records(&caller.ctx, Some(self.0.id), page).await?;
        Ok(connect(records, continued, Record))
    }
}
