//! Row of `approvals`. A call that waits for a person, or did.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "approvals")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) tenant_id: Uuid,
    pub(crate) principal: String,
    pub(crate) install_id: Uuid,
    pub(crate) tool: String,
    pub(crate) arguments: Option<String>,
    pub(crate) digest: String,
    pub(crate) reason: String,
    pub(crate) state: String,
    pub(crate) requested_at: DateTimeUtc,
    pub(crate) expires_at: DateTimeUtc,
    pub(crate) decided_by: Option<String>,
    pub(crate) decided_at: Option<DateTimeUtc>,
    pub(crate) used_at: Option<DateTimeUtc>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
