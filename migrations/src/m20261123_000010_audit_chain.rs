//! The audit log becomes a chain of hashes for each organisation, with signed checkpoints and a retention that keeps it verifiable.
//!
//! What is in the log already is chained here, in the order of its ids. The form of what is hashed is the one that
//! `docs/audit.md` documents, written out once more: a migration must not change when the product does.

use sea_orm::{
    ConnectionTrait, DbBackend, Statement,
    prelude::{DateTimeUtc, Json, Uuid},
};
use sea_orm_migration::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run_on_postgres(manager, UNLOCK_POSTGRES).await?;
        dialect::run_on_sqlite(manager, UNLOCK_SQLITE).await?;
        dialect::run(manager, COLUMNS).await?;
        dialect::run(manager, TABLES).await?;
        chain_all(manager.get_connection()).await?;
        dialect::run(manager, INDEXES).await?;
        dialect::run_on_postgres(manager, LOCK_POSTGRES).await?;
        dialect::run_on_sqlite(manager, LOCK_SQLITE).await?;
        let tables = ["audit_heads", "audit_checkpoints", "audit_settings"];
        dialect::isolate(manager, &tables).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const UNLOCK_POSTGRES: &[&str] =
    &["ALTER TABLE audit_events DISABLE TRIGGER audit_events_are_final"];
const UNLOCK_SQLITE: &[&str] = &["DROP TRIGGER audit_events_are_final"];

const COLUMNS: &[&str] = &[
    "ALTER TABLE audit_events ADD COLUMN seq {int} NOT NULL DEFAULT '0'",
    "ALTER TABLE audit_events ADD COLUMN prev text NOT NULL DEFAULT ''",
    "ALTER TABLE audit_events ADD COLUMN hash text NOT NULL DEFAULT ''",
];

const TABLES: &[&str] = &[
    // The end of each chain: locked by whoever appends. `listening`: somebody is to be told of new entries; `told`: a job for
    // that waits already.
    "CREATE TABLE audit_heads (
        tenant_id {uuid} PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
        seq {int} NOT NULL,
        hash text NOT NULL,
        listening {bool} NOT NULL,
        told {bool} NOT NULL
    )",
    "CREATE TABLE audit_checkpoints (
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        seq {int} NOT NULL,
        statement text NOT NULL CHECK (statement IN ('head', 'cut')),
        hash text NOT NULL,
        at {time} NOT NULL,
        key text NOT NULL,
        signature text NOT NULL,
        PRIMARY KEY (tenant_id, seq, statement)
    )",
    // Global: the keys with which this Patchbay has signed checkpoints, of all organisations.
    "CREATE TABLE audit_keys (
        id text PRIMARY KEY,
        public_key text NOT NULL,
        first_used_at {time} NOT NULL
    )",
    "CREATE TABLE audit_settings (
        tenant_id {uuid} PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
        keep_arguments {bool} NOT NULL,
        retention_days {int} CHECK (retention_days > 0),
        overload text CHECK (overload IN ('block', 'drop')),
        updated_at {time} NOT NULL
    )",
];

const INDEXES: &[&str] = &[
    "CREATE UNIQUE INDEX audit_events_seq ON audit_events (tenant_id, seq)",
    "CREATE INDEX audit_events_at ON audit_events (tenant_id, at)",
    "CREATE INDEX audit_events_target ON audit_events (tenant_id, target)",
    "CREATE INDEX audit_events_request ON audit_events (tenant_id, request_id)",
];

// Retention is the only way to remove an entry, and only up to a cut that stands among the checkpoints. It runs as the owner of
// the tables, who is held to the tenant of the transaction by row-level security like everybody else.
const LOCK_POSTGRES: &[&str] = &[
    "ALTER TABLE audit_events ENABLE TRIGGER audit_events_are_final",
    // `pg_temp` last: a temporary table of the caller must not stand in for the real one.
    "DO $$ BEGIN EXECUTE format('
        CREATE FUNCTION audit_events_remove_up_to(last bigint) RETURNS bigint
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = %I, pg_temp AS $body$
        DECLARE
            removed bigint;
            tenant uuid := nullif(current_setting(''app.tenant'', true), '''')::uuid;
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM audit_checkpoints
                WHERE tenant_id = tenant AND seq = last AND statement = ''cut'')
            THEN
                RAISE EXCEPTION ''audit events are removed only up to a cut'';
            END IF;
            DELETE FROM audit_events WHERE tenant_id = tenant AND seq <= last;
            GET DIAGNOSTICS removed = ROW_COUNT;
            DELETE FROM audit_checkpoints WHERE tenant_id = tenant AND seq < last;
            RETURN removed;
        END $body$', current_schema()); END $$",
    "REVOKE ALL ON FUNCTION audit_events_remove_up_to FROM PUBLIC",
];

const LOCK_SQLITE: &[&str] =
    &["CREATE TRIGGER audit_events_are_final BEFORE UPDATE ON audit_events
        BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END"];

async fn chain_all<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let tenants = Statement::from_string(backend, "SELECT id FROM tenants");
    for row in db.query_all_raw(tenants).await? {
        let tenant: Uuid = row.try_get("", "id")?;
        if backend == DbBackend::Postgres {
            let sql = "SELECT set_config('app.tenant', $1, true)";
            let values = [tenant.to_string().into()];
            db.query_one_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        }
        chain(db, tenant).await?;
    }
    if backend == DbBackend::Postgres {
        db.execute_unprepared("SELECT set_config('app.tenant', '', true)").await?;
    }
    Ok(())
}

/// Entries of one organisation that are chained at a time.
const PAGE: i64 = 1_000;

async fn chain<C: ConnectionTrait>(db: &C, tenant: Uuid) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let (mut seq, mut last) = (0_i64, [0_u8; 32]);
    loop {
        // Chained ones have a number above 0: what is read next is what comes next.
        let sql = "SELECT id, at, actor, action, target, outcome, request_id, detail
            FROM audit_events WHERE tenant_id = $1 AND seq = 0 ORDER BY id LIMIT $2";
        let values = [tenant.into(), PAGE.into()];
        let rows = db.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        for row in &rows {
            let id: Uuid = row.try_get("", "id")?;
            seq += 1;
            let prev = last;
            last = Sha256::new()
                .chain_update(prev)
                .chain_update(canonical(row, tenant, seq)?)
                .finalize()
                .into();
            let sql = "UPDATE audit_events SET seq = $1, prev = $2, hash = $3
                WHERE tenant_id = $4 AND id = $5";
            let values = [
                seq.into(),
                hex::encode(prev).into(),
                hex::encode(last).into(),
                tenant.into(),
                id.into(),
            ];
            db.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        }
        if rows.is_empty() {
            break;
        }
    }
    if seq > 0 {
        let sql = "INSERT INTO audit_heads (tenant_id, seq, hash, listening, told)
            VALUES ($1, $2, $3, false, false)";
        let values = [tenant.into(), seq.into(), hex::encode(last).into()];
        db.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    }
    Ok(())
}

/// Schema 1 of the canonical form: RFC 8785 JSON.
fn canonical(row: &sea_orm::QueryResult, tenant: Uuid, seq: i64) -> Result<Vec<u8>, DbErr> {
    let at: DateTimeUtc = row.try_get("", "at")?;
    let entry = json!({
        "schema": 1,
        "seq": seq,
        "id": format!("audit:{}", row.try_get::<Uuid>("", "id")?),
        "tenant": format!("tenant:{tenant}"),
        "at": at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        "actor": row.try_get::<String>("", "actor")?,
        "action": row.try_get::<String>("", "action")?,
        "target": row.try_get::<Option<String>>("", "target")?,
        "outcome": row.try_get::<String>("", "outcome")?,
        "request_id": row.try_get::<String>("", "request_id")?,
        "detail": row.try_get::<Json>("", "detail")?,
    });
    serde_json_canonicalizer::to_vec(&entry)
        .map_err(|error| DbErr::Migration(format!("an audit entry has no canonical form: {error}")))
}
