//! Groups, and members as an organisation's directory keeps them (SCIM 2.0).

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, GROUPS).await?;
        dialect::run(manager, DIRECTORY).await?;
        let tables = ["groups", "group_members", "scim_tokens", "directory_entries"];
        dialect::isolate(manager, &tables).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const GROUPS: &[&str] = &[
    "CREATE TABLE groups (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        name text NOT NULL,
        external_id text,
        source text NOT NULL CHECK (source IN ('local', 'scim', 'sso')),
        version {int} NOT NULL,
        created_at {time} NOT NULL,
        updated_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, id)
    )",
    "CREATE UNIQUE INDEX groups_name ON groups (tenant_id, lower(name))",
    "CREATE INDEX groups_external_id ON groups (tenant_id, external_id)",
    "CREATE TABLE group_members (
        tenant_id {uuid} NOT NULL,
        group_id {uuid} NOT NULL,
        membership_id {uuid} NOT NULL,
        PRIMARY KEY (tenant_id, group_id, membership_id),
        FOREIGN KEY (tenant_id, group_id) REFERENCES groups (tenant_id, id) ON DELETE CASCADE,
        FOREIGN KEY (tenant_id, membership_id) REFERENCES memberships (tenant_id, id) ON DELETE CASCADE
    )",
    "CREATE INDEX group_members_membership ON group_members (tenant_id, membership_id)",
];

/// A deactivated member keeps role and groups, so that activating them again brings everything back but sessions and keys.
const DIRECTORY: &[&str] = &[
    "ALTER TABLE memberships ADD COLUMN deactivated_at {time}",
    "CREATE TABLE scim_tokens (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        name text NOT NULL,
        hash text NOT NULL,
        last_four text NOT NULL,
        created_by {uuid},
        created_at {time} NOT NULL,
        expires_at {time},
        last_used_at {time},
        revoked_at {time},
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, hash)
    )",
    "CREATE TABLE directory_entries (
        tenant_id {uuid} NOT NULL,
        membership_id {uuid} NOT NULL,
        user_name text NOT NULL,
        external_id text,
        display_name text NOT NULL,
        document {json} NOT NULL,
        version {int} NOT NULL,
        updated_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, membership_id),
        FOREIGN KEY (tenant_id, membership_id) REFERENCES memberships (tenant_id, id) ON DELETE CASCADE
    )",
    "CREATE UNIQUE INDEX directory_entries_user_name ON directory_entries (tenant_id, lower(user_name))",
    "CREATE INDEX directory_entries_external_id ON directory_entries (tenant_id, external_id)",
    "CREATE INDEX directory_entries_display_name ON directory_entries (tenant_id, lower(display_name))",
];
