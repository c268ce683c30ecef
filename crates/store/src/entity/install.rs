//! Row of `installs`. An installed connector.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "installs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) tenant_id: Uuid,
    pub(crate) connector: String,
    pub(crate) alias: String,
    pub(crate) display_name: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) config: Json,
    pub(crate) status: String,
    pub(crate) classification: String,
    pub(crate) version: i64,
    pub(crate) sync_interval_seconds: Option<i64>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub(crate) sync_state: Option<Json>,
    pub(crate) last_synced_at: Option<DateTimeUtc>,
    pub(crate) record_count: i64,
    pub(crate) created_at: DateTimeUtc,
    pub(crate) updated_at: DateTimeUtc,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
