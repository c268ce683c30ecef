//! Row of `domains`. A domain that an organisation claims or has proven.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "domains")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) tenant_id: Uuid,
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) created_at: DateTimeUtc,
    pub(crate) verified_at: Option<DateTimeUtc>,
    pub(crate) checked_at: Option<DateTimeUtc>,
    pub(crate) missing_since: Option<DateTimeUtc>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
