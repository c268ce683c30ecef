//! Row of `records`. A synced document. The full-text index is kept by the database.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "records")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) tenant_id: Uuid,
    pub(crate) install_id: Uuid,
    pub(crate) stream: String,
    pub(crate) external_id: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) mime_type: String,
    pub(crate) url: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) metadata: Json,
    pub(crate) content_hash: String,
    pub(crate) source_updated_at: Option<DateTimeUtc>,
    pub(crate) synced_at: DateTimeUtc,
    pub(crate) generation: Uuid,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
