//! Webhooks: addresses that are told what happens, the keys that sign it, deliveries, and a lane of their own for these.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, TABLES).await?;
        dialect::run_on_postgres(manager, LANE_POSTGRES).await?;
        dialect::run_on_sqlite(manager, LANE_SQLITE).await?;
        dialect::isolate(manager, &["webhooks", "webhook_secrets", "webhook_deliveries"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const TABLES: &[&str] = &[
    // `seq`: the entry of the audit log up to which deliveries were made.
    "CREATE TABLE webhooks (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        url text NOT NULL,
        description text NOT NULL,
        event_types {json} NOT NULL,
        enabled {bool} NOT NULL,
        disabled_reason text,
        failing_since {time},
        seq {int} NOT NULL,
        version {int} NOT NULL,
        created_at {time} NOT NULL,
        updated_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, id)
    )",
    "CREATE TABLE webhook_secrets (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL,
        webhook_id {uuid} NOT NULL,
        version {int} NOT NULL,
        sealed {bytes} NOT NULL,
        created_at {time} NOT NULL,
        expires_at {time},
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, webhook_id) REFERENCES webhooks (tenant_id, id) ON DELETE CASCADE
    )",
    "CREATE INDEX webhook_secrets_webhook ON webhook_secrets (tenant_id, webhook_id)",
    "CREATE TABLE webhook_deliveries (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL,
        webhook_id {uuid} NOT NULL,
        event_id {uuid} NOT NULL,
        event_type text NOT NULL,
        payload text NOT NULL,
        state text NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed', 'cancelled')),
        attempts {json} NOT NULL,
        created_at {time} NOT NULL,
        next_attempt_at {time},
        finished_at {time},
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, webhook_id) REFERENCES webhooks (tenant_id, id) ON DELETE CASCADE
    )",
    "CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (tenant_id, webhook_id, id)",
    "CREATE INDEX webhook_deliveries_finished ON webhook_deliveries (tenant_id, finished_at)",
];

const LANE_POSTGRES: &[&str] = &[
    "ALTER TABLE jobs DROP CONSTRAINT jobs_lane_check",
    "ALTER TABLE jobs ADD CONSTRAINT jobs_lane_check
        CHECK (lane IN ('interactive', 'bulk', 'delivery'))",
];

/// SQLite cannot change a check: the table is made anew. Nothing refers to it.
const LANE_SQLITE: &[&str] = &[
    "CREATE TABLE jobs_anew (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        kind text NOT NULL,
        payload {json} NOT NULL,
        lane text NOT NULL CHECK (lane IN ('interactive', 'bulk', 'delivery')),
        state text NOT NULL CHECK (state IN ('ready', 'claimed', 'done', 'dead', 'parked')),
        run_at {time} NOT NULL,
        attempt integer NOT NULL,
        worker text,
        lease_until {time},
        finished_at {time},
        dedup_key text,
        traceparent text
    )",
    "INSERT INTO jobs_anew SELECT id, tenant_id, kind, payload, lane, state, run_at, attempt, worker,
        lease_until, finished_at, dedup_key, traceparent FROM jobs",
    "DROP TABLE jobs",
    "ALTER TABLE jobs_anew RENAME TO jobs",
    "CREATE INDEX jobs_ready ON jobs (run_at) WHERE state = 'ready'",
    "CREATE INDEX jobs_claimed ON jobs (lease_until) WHERE state = 'claimed'",
    "CREATE INDEX jobs_finished ON jobs (finished_at) WHERE state IN ('done', 'dead')",
    "CREATE INDEX jobs_tenant ON jobs (tenant_id)",
    "CREATE UNIQUE INDEX jobs_dedup ON jobs (tenant_id, dedup_key)
        WHERE state IN ('ready', 'claimed')",
];
