//! Row of `sign_in_attempts`. A sign-in that was begun, by the hash of its state.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_attempts")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) hash: String,
    pub(crate) browser: String,
    pub(crate) purpose: String,
    pub(crate) tenant_id: Option<Uuid>,
    pub(crate) connection_id: Option<Uuid>,
    pub(crate) provider: Option<String>,
    pub(crate) session_id: Option<Uuid>,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) detail: Json,
    pub(crate) created_at: DateTimeUtc,
    pub(crate) expires_at: DateTimeUtc,
    pub(crate) used_at: Option<DateTimeUtc>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
