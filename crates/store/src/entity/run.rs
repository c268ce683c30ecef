//! Row of `runs`. One run of an install's sync.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "runs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) tenant_id: Uuid,
    pub(crate) install_id: Uuid,
    pub(crate) state: String,
    pub(crate) attempt: i32,
    pub(crate) pages: i64,
    pub(crate) records_upserted: i64,
    pub(crate) records_deleted: i64,
    pub(crate) records_total: Option<i64>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub(crate) cursor: Option<Json>,
    pub(crate) cancel_requested: bool,
    pub(crate) error: Option<String>,
    pub(crate) created_at: DateTimeUtc,
    pub(crate) started_at: Option<DateTimeUtc>,
    pub(crate) finished_at: Option<DateTimeUtc>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
