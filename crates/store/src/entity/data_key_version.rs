//! Row of `data_key_versions`. A version of an organisation's data key, wrapped.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "data_key_versions")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) version: i64,
    pub(crate) wrapped: Option<Vec<u8>>,
    pub(crate) wrapped_by: String,
    pub(crate) state: String,
    pub(crate) created_at: DateTimeUtc,
    pub(crate) retired_at: Option<DateTimeUtc>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
