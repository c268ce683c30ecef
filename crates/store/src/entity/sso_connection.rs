//! Row of `sso_connections`. A way to sign in by an organisation's own provider.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sso_connections")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) tenant_id: Uuid,
    pub(crate) name: String,
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub(crate) rules: Json,
    pub(crate) state: String,
    pub(crate) sealed_secret: Option<Vec<u8>>,
    pub(crate) secret_version: i64,
    pub(crate) version: i64,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub(crate) tested: Option<Json>,
    pub(crate) created_at: DateTimeUtc,
    pub(crate) updated_at: DateTimeUtc,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
