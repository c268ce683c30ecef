//! The chain of the audit log: written without gaps by everybody at once, and broken by whatever changes it.

use chrono::{TimeDelta, Utc};
use domain::{
    AuditId, TenantId,
    audit::{Broken, Chain, Link, Report, Signer, Statement},
    authz::permission::{AuditRead, AuditWrite},
};
use futures_util::future::join_all;
use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement as Sql};
use store::{AuditFilter, Config, Error, Store};

use crate::{
    bench::{Bench, at, granted, on_both, postgres_database, raw},
    isolation::entry,
};

fn signer() -> Signer {
    Signer::from_seed(&[3; 32])
}

async fn append(store: &Store, tenant: TenantId, count: usize) {
    let tx = store.begin(&granted::<AuditWrite>(tenant)).await.expect("begin");
    for _ in 0..count {
        tx.audit().append(&granted(tenant), entry("install.update")).await.expect("append");
    }
    tx.commit().await.expect("commit");
}

/// Follows the log as it is stored, with its checkpoints.
async fn verify(store: &Store, tenant: TenantId) -> Result<Report, Broken> {
    let tx = store.read(&granted::<AuditRead>(tenant)).await.expect("read");
    let mut chain = Chain::new(vec![signer().public_key()]);
    for checkpoint in tx.audit().checkpoints(&granted(tenant), 0, 100).await.expect("read") {
        chain.checkpoint(checkpoint)?;
    }
    loop {
        let after = chain.end().seq;
        let page = tx
            .audit()
            .follow(&granted(tenant), AuditFilter::default(), (after, i64::MAX), 7)
            .await
            .expect("entries");
        if page.is_empty() {
            return chain.finish();
        }
        for event in page {
            chain.entry(&event)?;
        }
    }
}

async fn sign(store: &Store, tenant: TenantId, statement: Statement, entry: Link) {
    let checkpoint = signer().sign(tenant, statement, entry, at(9));
    let tx = store.begin(&granted::<AuditWrite>(tenant)).await.expect("begin");
    tx.audit().keep_checkpoint(&granted(tenant), &checkpoint).await.expect("kept");
    tx.commit().await.expect("commit");
}

async fn end(store: &Store, tenant: TenantId) -> Link {
    let tx = store.read(&granted::<AuditRead>(tenant)).await.expect("read");
    tx.audit().end(&granted(tenant)).await.expect("the end")
}

/// What an intruder does who owns the tables.
async fn tamper(bench: &Bench, tenant: TenantId, statements: &[&str]) {
    let db = raw(bench.owner_url.as_ref().unwrap_or(&bench.url)).await;
    if bench.backend == DbBackend::Postgres {
        let set = format!("select set_config('app.tenant', '{}', false)", tenant.uuid());
        db.execute_unprepared(&set).await.expect("set tenant");
        db.execute_unprepared("alter table audit_events disable trigger audit_events_are_final")
            .await
            .expect("disabled");
    } else {
        db.execute_unprepared("drop trigger audit_events_are_final").await.expect("dropped");
    }
    for statement in statements {
        db.execute_unprepared(statement).await.expect(statement);
    }
}

#[tokio::test]
async fn many_writers_at_once_write_one_chain_without_gaps() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let other = bench.tenant("other").await;
        join_all((0..40).map(|number| {
            let tenant = if number % 4 == 0 { other } else { acme };
            append(&bench.store, tenant, 1 + number % 3)
        }))
        .await;
        let report = verify(&bench.store, acme).await.expect("in order");
        assert_eq!((report.first, report.last, report.entries), (1, 60, 60));
        assert_eq!(verify(&bench.store, other).await.expect("in order").last, 19);
        assert_eq!(end(&bench.store, acme).await.hash, report.last_hash);
    })
    .await;
}

#[tokio::test]
async fn transaction_that_is_taken_back_leaves_no_gap() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        append(&bench.store, acme, 2).await;
        let tx = bench.store.begin(&granted::<AuditWrite>(acme)).await.expect("begin");
        tx.audit().append(&granted(acme), entry("install.update")).await.expect("append");
        drop(tx);
        let twice = entry("install.update");
        let tx = bench.store.begin(&granted::<AuditWrite>(acme)).await.expect("begin");
        tx.audit().append(&granted(acme), twice.clone()).await.expect("append");
        tx.audit().append(&granted(acme), twice).await.expect("append");
        let refused = tx.commit().await;
        assert!(matches!(refused, Err(Error::Conflict { field: "id" })), "{refused:?}");
        append(&bench.store, acme, 1).await;
        assert_eq!(verify(&bench.store, acme).await.expect("in order").last, 3);
    })
    .await;
}

/// Ten entries, signed at the last, then tampered with: the first bad entry is named.
async fn found_after(statements: &[&str]) -> Vec<Broken> {
    let mut found = Vec::new();
    for bench in [Bench::sqlite().await, Bench::postgres().await] {
        let acme = bench.tenant("acme").await;
        append(&bench.store, acme, 10).await;
        sign(&bench.store, acme, Statement::Head, end(&bench.store, acme).await).await;
        verify(&bench.store, acme).await.expect("in order");
        tamper(&bench, acme, statements).await;
        found.push(verify(&bench.store, acme).await.expect_err("found"));
    }
    found
}

#[tokio::test]
async fn flipped_byte_is_found() {
    let found =
        found_after(&["update audit_events set actor = 'system:run_joc' where seq = 5"]).await;
    assert_eq!(found, [Broken::Altered { seq: 5 }, Broken::Altered { seq: 5 }]);
}

#[tokio::test]
async fn deleted_row_is_found() {
    let found = found_after(&["delete from audit_events where seq = 5"]).await;
    assert_eq!(found, [Broken::Missing { seq: 5 }, Broken::Missing { seq: 5 }]);
}

#[tokio::test]
async fn swapped_rows_are_found() {
    let found = found_after(&[
        "update audit_events set seq = 100 where seq = 4",
        "update audit_events set seq = 4 where seq = 7",
        "update audit_events set seq = 7 where seq = 100",
    ])
    .await;
    assert_eq!(found, [Broken::Unlinked { seq: 4 }, Broken::Unlinked { seq: 4 }]);
}

#[tokio::test]
async fn truncated_tail_is_found_by_the_checkpoint_even_when_the_end_is_set_back() {
    let found = found_after(&[
        "delete from audit_events where seq > 7",
        "update audit_heads set seq = 7, hash = (select hash from audit_events where seq = 7)",
    ])
    .await;
    let expected = || Broken::Truncated { seq: 8, signed: 10 };
    assert_eq!(found, [expected(), expected()]);
}

#[tokio::test]
async fn changed_checkpoint_is_found() {
    let found = found_after(&["update audit_checkpoints set seq = 9"]).await;
    assert!(found.iter().all(|it| matches!(it, Broken::Unsigned { seq: 9, .. })), "{found:?}");
}

#[tokio::test]
async fn retention_removes_up_to_a_cut_and_what_is_left_can_be_verified() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        append(&bench.store, acme, 10).await;
        let tx = bench.store.read(&granted::<AuditRead>(acme)).await.expect("read");
        let (filter, place) = (AuditFilter::default(), (5, 6));
        let sixth = tx.audit().follow(&granted(acme), filter, place, 10).await.expect("one");
        drop(tx);
        let remove = async || {
            let tx = bench.store.begin(&granted::<AuditWrite>(acme)).await.expect("begin");
            let removed = tx.audit().remove_up_to(&granted(acme), 6).await;
            tx.commit().await.expect("commit");
            removed
        };
        assert!(matches!(remove().await, Err(Error::NotFound)), "there is no cut yet");
        sign(&bench.store, acme, Statement::Cut, sixth[0].link).await;
        assert_eq!(remove().await.expect("removed"), 6);
        let report = verify(&bench.store, acme).await.expect("in order");
        assert_eq!((report.first, report.last), (7, 10));
        assert_eq!(remove().await.expect("nothing more"), 0);
    })
    .await;
}

#[tokio::test]
async fn entries_from_before_the_chain_are_chained_by_the_migration() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let sqlite = format!("sqlite:{}?mode=rwc", directory.path().join("old.db").display());
    let postgres = postgres_database().await.owner_url;
    for url in [sqlite, postgres] {
        let db = raw(&url).await;
        let migrations = Migrator::migrations();
        let chained = migrations.iter().position(|it| it.name().ends_with("audit_chain"));
        let before = u32::try_from(chained.expect("in the list")).expect("few");
        Migrator::up(&db, Some(before)).await.expect("the schema before");
        let (acme, other) = (TenantId::generate(), TenantId::generate());
        for (tenant, slug) in [(acme, "acme"), (other, "other")] {
            old_tenant(&db, tenant, slug).await;
        }
        for number in 0..1_203 {
            old_entry(&db, acme, number).await;
        }
        old_entry(&db, other, 0).await;
        Migrator::up(&db, None).await.expect("the rest");
        db.close().await.expect("closed");
        let store = Store::connect(&Config::at(url.trim_end_matches("?mode=rwc"))).await;
        let store = store.expect("connect");
        assert_eq!(verify(&store, acme).await.expect("in order").last, 1_203);
        append(&store, acme, 1).await;
        assert_eq!(verify(&store, acme).await.expect("in order").last, 1_204);
        assert_eq!(verify(&store, other).await.expect("in order").last, 1);
        store.close().await.expect("closed");
    }
}

async fn old_tenant(db: &DatabaseConnection, id: TenantId, slug: &str) {
    let sql = "insert into tenants (id, slug, name, created_at) values ($1, $2, $2, $3)";
    let values = [id.uuid().into(), slug.into(), at(0).into()];
    let statement = Sql::from_sql_and_values(db.get_database_backend(), sql, values);
    db.execute_raw(statement).await.expect("a tenant");
}

async fn old_entry(db: &DatabaseConnection, tenant: TenantId, number: i64) {
    let backend = db.get_database_backend();
    if backend == DbBackend::Postgres {
        let set = format!("select set_config('app.tenant', '{}', false)", tenant.uuid());
        db.execute_unprepared(&set).await.expect("set tenant");
    }
    let sql = "insert into audit_events
        (id, tenant_id, at, actor, action, target, outcome, request_id, detail)
        values ($1, $2, $3, 'user:x', 'mcp.tools.call', null, 'succeeded', 'r', $4)";
    let detail = serde_json::json!({ "ms": 1.25, "z": [1e16, "ü\n"], "a": number });
    let when = at(0) + TimeDelta::microseconds(number);
    let values = [
        AuditId::generate().uuid().into(),
        tenant.uuid().into(),
        when.with_timezone(&Utc).into(),
        detail.into(),
    ];
    let statement = Sql::from_sql_and_values(backend, sql, values);
    db.execute_raw(statement).await.expect("an entry");
}
