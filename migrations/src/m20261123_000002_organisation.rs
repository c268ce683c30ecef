//! What an organisation has: members, installs, credentials, endpoints, API keys.
//!
//! Primary keys start with the tenant and children refer to `(tenant_id, parent)`: a foreign key is checked past
//! row-level security, so with a simple one a row could refer to what its tenant cannot see.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, PEOPLE).await?;
        dialect::run(manager, INSTALLS).await?;
        dialect::run(manager, ENTRANCES).await?;
        let tables =
            ["memberships", "installs", "credentials", "data_keys", "endpoints", "api_keys"];
        dialect::isolate(manager, &tables).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const PEOPLE: &[&str] = &[
    "CREATE TABLE memberships (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        user_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        role text NOT NULL CHECK (role IN ('viewer', 'member', 'admin', 'owner')),
        created_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, user_id)
    )",
    // For the cascade from users.
    "CREATE INDEX memberships_user ON memberships (user_id)",
];

const INSTALLS: &[&str] = &[
    "CREATE TABLE installs (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        connector text NOT NULL,
        alias text NOT NULL,
        display_name text NOT NULL,
        config {json} NOT NULL,
        status text NOT NULL CHECK (status IN ('active', 'paused', 'needs_reauth')),
        version {int} NOT NULL,
        sync_interval_seconds {int} CHECK (sync_interval_seconds > 0),
        sync_state {json},
        last_synced_at {time},
        record_count {int} NOT NULL,
        created_at {time} NOT NULL,
        updated_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, alias)
    )",
    "CREATE TABLE credentials (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL,
        install_id {uuid} NOT NULL,
        version {int} NOT NULL,
        sealed {bytes} NOT NULL,
        created_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, install_id),
        FOREIGN KEY (tenant_id, install_id) REFERENCES installs (tenant_id, id) ON DELETE CASCADE
    )",
    "CREATE TABLE data_keys (
        tenant_id {uuid} PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
        wrapped {bytes} NOT NULL
    )",
];

const ENTRANCES: &[&str] = &[
    "CREATE TABLE endpoints (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        slug text NOT NULL,
        name text NOT NULL,
        instructions text,
        created_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, slug)
    )",
    // `created_by` has no foreign key: a key outlives the account of its maker, and the audit log names them both.
    "CREATE TABLE api_keys (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        name text NOT NULL,
        prefix text NOT NULL,
        last_four text NOT NULL,
        role text NOT NULL CHECK (role IN ('viewer', 'member', 'admin', 'owner')),
        installs {json},
        created_by {uuid},
        created_at {time} NOT NULL,
        expires_at {time},
        last_used_at {time},
        revoked_at {time},
        PRIMARY KEY (tenant_id, id)
    )",
    // Global, because a key is presented before its tenant is known; it holds nothing but the way to the key.
    "CREATE TABLE api_key_hashes (
        hash text PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        api_key_id {uuid} NOT NULL,
        UNIQUE (tenant_id, api_key_id),
        FOREIGN KEY (tenant_id, api_key_id) REFERENCES api_keys (tenant_id, id) ON DELETE CASCADE
    )",
];
