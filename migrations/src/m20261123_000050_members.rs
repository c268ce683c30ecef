//! Members whom people here have suspended, apart from those whom a directory has switched off.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, &["ALTER TABLE memberships ADD COLUMN suspended_at {time}"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
