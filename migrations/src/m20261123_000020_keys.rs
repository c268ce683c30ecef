//! Data keys in versions, and the rotations that lead from one to the next. Takes the place of `data_keys`, which no released
//! version has.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, TABLES).await?;
        dialect::for_each_tenant(manager, &[MOVE]).await?;
        dialect::run(manager, &["DROP TABLE data_keys"]).await?;
        dialect::isolate(manager, &["data_key_versions", "key_rotations"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const TABLES: &[&str] = &[
    // A retired version keeps its row and loses its key.
    "CREATE TABLE data_key_versions (
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        version {int} NOT NULL CHECK (version > 0),
        wrapped {bytes},
        wrapped_by text NOT NULL,
        state text NOT NULL CHECK (state IN ('current', 'retiring', 'retired')),
        created_at {time} NOT NULL,
        retired_at {time},
        PRIMARY KEY (tenant_id, version),
        CHECK ((state = 'retired') = (wrapped IS NULL))
    )",
    "CREATE UNIQUE INDEX data_key_versions_current ON data_key_versions (tenant_id) WHERE state = 'current'",
    "CREATE TABLE key_rotations (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        to_version {int} NOT NULL,
        total {int} NOT NULL,
        done {int} NOT NULL,
        started_at {time} NOT NULL,
        finished_at {time},
        PRIMARY KEY (tenant_id, id)
    )",
    "CREATE UNIQUE INDEX key_rotations_running ON key_rotations (tenant_id) WHERE finished_at IS NULL",
];

const MOVE: &str = "INSERT INTO data_key_versions
    (tenant_id, version, wrapped, wrapped_by, state, created_at, retired_at)
    SELECT data_keys.tenant_id, 1, data_keys.wrapped, 'local', 'current', tenants.created_at, NULL
    FROM data_keys JOIN tenants ON tenants.id = data_keys.tenant_id";
