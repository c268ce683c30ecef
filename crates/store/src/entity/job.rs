//! Row of `jobs`. A unit of background work.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) tenant_id: Uuid,
    pub(crate) kind: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) payload: Json,
    pub(crate) lane: String,
    pub(crate) state: String,
    pub(crate) run_at: DateTimeUtc,
    pub(crate) attempt: i32,
    pub(crate) worker: Option<String>,
    pub(crate) lease_until: Option<DateTimeUtc>,
    pub(crate) finished_at: Option<DateTimeUtc>,
    pub(crate) dedup_key: Option<String>,
    pub(crate) traceparent: Option<String>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
