//! Row of `policy_sets`. A version of an organisation's policies.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_sets")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) tenant_id: Uuid,
    pub(crate) version: i64,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) sources: Json,
    pub(crate) author: String,
    pub(crate) note: String,
    pub(crate) created_at: DateTimeUtc,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
