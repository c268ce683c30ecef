//! An organisation's own roles, and who has them.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, ROLES).await?;
        dialect::isolate(manager, &["custom_roles", "role_assignments"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

// A role that somebody has cannot be removed: its assignments do not go with it.
const ROLES: &[&str] = &[
    "CREATE TABLE custom_roles (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        name text NOT NULL,
        description text NOT NULL,
        permissions {json} NOT NULL,
        version {int} NOT NULL,
        created_at {time} NOT NULL,
        updated_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, id)
    )",
    "CREATE UNIQUE INDEX custom_roles_name ON custom_roles (tenant_id, lower(name))",
    "CREATE TABLE role_assignments (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        role_id {uuid} NOT NULL,
        membership_id {uuid},
        group_id {uuid},
        created_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, role_id, membership_id),
        UNIQUE (tenant_id, role_id, group_id),
        CHECK ((membership_id IS NULL) <> (group_id IS NULL)),
        FOREIGN KEY (tenant_id, role_id) REFERENCES custom_roles (tenant_id, id),
        FOREIGN KEY (tenant_id, membership_id) REFERENCES memberships (tenant_id, id) ON DELETE CASCADE,
        FOREIGN KEY (tenant_id, group_id) REFERENCES groups (tenant_id, id) ON DELETE CASCADE
    )",
    "CREATE INDEX role_assignments_membership ON role_assignments (tenant_id, membership_id)",
    "CREATE INDEX role_assignments_group ON role_assignments (tenant_id, group_id)",
];
