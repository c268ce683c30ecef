//! Row of `group_members`. A member's place in a group.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[expect(clippy::struct_field_names, reason = "the names of the columns")]
#[sea_orm(table_name = "group_members")]
pub(crate) struct Model {
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) group_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) membership_id: Uuid,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
