//! More roles, and how confidential a thing a member reaches.
//!
//! SQLite cannot change a constraint: the column is made anew, which both databases do without touching other tables.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["memberships", "api_keys"] {
            let widen = [
                format!("ALTER TABLE {table} RENAME COLUMN role TO narrow_role"),
                format!(
                    "ALTER TABLE {table} ADD COLUMN role text NOT NULL DEFAULT 'viewer' CHECK (role IN
                        ('viewer', 'member', 'auditor', 'connector_manager', 'admin', 'owner'))"
                ),
            ];
            dialect::run(manager, &widen.each_ref().map(String::as_str)).await?;
            let keep = format!("UPDATE {table} SET role = narrow_role");
            dialect::for_each_tenant(manager, &[&keep]).await?;
            let narrow = format!("ALTER TABLE {table} DROP COLUMN narrow_role");
            dialect::run(manager, &[&narrow]).await?;
        }
        dialect::run(manager, &[CLEARANCE]).await?;
        dialect::for_each_tenant(manager, &[CLEARED]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

// Whoever runs an organisation today keeps what they reach; everybody else reaches what is not marked as confidential.
const CLEARANCE: &str = "ALTER TABLE memberships ADD COLUMN clearance text NOT NULL DEFAULT 'internal' CHECK (clearance IN
        ('public', 'internal', 'confidential', 'restricted'))";
const CLEARED: &str =
    "UPDATE memberships SET clearance = 'restricted' WHERE role IN ('admin', 'owner')";
