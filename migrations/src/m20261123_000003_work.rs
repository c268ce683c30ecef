//! What happens: jobs, sync runs, the audit log.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, JOBS).await?;
        dialect::run(manager, RUNS).await?;
        dialect::run(manager, AUDIT).await?;
        dialect::run_on_postgres(manager, AUDIT_POSTGRES).await?;
        dialect::run_on_sqlite(manager, AUDIT_SQLITE).await?;
        dialect::isolate(manager, &["runs", "audit_events"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

// Global, because a worker is told an id and nothing else; a payload holds ids alone.
const JOBS: &[&str] = &[
    "CREATE TABLE jobs (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        kind text NOT NULL,
        payload {json} NOT NULL,
        lane text NOT NULL CHECK (lane IN ('interactive', 'bulk')),
        state text NOT NULL CHECK (state IN ('ready', 'claimed', 'done', 'dead', 'parked')),
        run_at {time} NOT NULL,
        attempt integer NOT NULL,
        worker text,
        lease_until {time},
        finished_at {time},
        dedup_key text,
        traceparent text
    )",
    "CREATE INDEX jobs_ready ON jobs (run_at) WHERE state = 'ready'",
    "CREATE INDEX jobs_claimed ON jobs (lease_until) WHERE state = 'claimed'",
    "CREATE INDEX jobs_finished ON jobs (finished_at) WHERE state IN ('done', 'dead')",
    "CREATE INDEX jobs_tenant ON jobs (tenant_id)",
    "CREATE UNIQUE INDEX jobs_dedup ON jobs (tenant_id, dedup_key)
        WHERE state IN ('ready', 'claimed')",
];

const RUNS: &[&str] = &[
    "CREATE TABLE runs (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL,
        install_id {uuid} NOT NULL,
        state text NOT NULL CHECK
            (state IN ('queued', 'running', 'retrying', 'succeeded', 'failed', 'cancelled')),
        attempt integer NOT NULL,
        pages {int} NOT NULL,
        records_upserted {int} NOT NULL,
        records_deleted {int} NOT NULL,
        records_total {int},
        cursor {json},
        cancel_requested {bool} NOT NULL,
        error text,
        created_at {time} NOT NULL,
        started_at {time},
        finished_at {time},
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, install_id) REFERENCES installs (tenant_id, id) ON DELETE CASCADE
    )",
    "CREATE INDEX runs_install ON runs (tenant_id, install_id, id)",
    // Two runs of one install would sweep away each other's records.
    "CREATE UNIQUE INDEX runs_unfinished ON runs (tenant_id, install_id)
        WHERE state IN ('queued', 'running', 'retrying')",
];

const AUDIT: &[&str] = &[
    "CREATE TABLE audit_events (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        at {time} NOT NULL,
        actor text NOT NULL,
        action text NOT NULL,
        target text,
        outcome text NOT NULL CHECK (outcome IN ('succeeded', 'denied', 'failed')),
        request_id text NOT NULL,
        detail {json} NOT NULL,
        PRIMARY KEY (tenant_id, id)
    )",
    "CREATE INDEX audit_events_action ON audit_events (tenant_id, action, id)",
];

// An entry is never changed, by anybody. Only the owner may delete (retention; the end of a tenant, which cascades as
// the owner), whatever another role has been granted.
const AUDIT_POSTGRES: &[&str] = &[
    "CREATE FUNCTION audit_events_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND current_user =
            (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID)
        THEN
            RETURN NULL;
        END IF;
        RAISE EXCEPTION 'audit events are never changed';
    END $$",
    "CREATE TRIGGER audit_events_are_final BEFORE UPDATE OR DELETE ON audit_events
        FOR EACH STATEMENT EXECUTE FUNCTION audit_events_are_final()",
];

const AUDIT_SQLITE: &[&str] =
    &["CREATE TRIGGER audit_events_are_final BEFORE UPDATE ON audit_events
        BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END"];
