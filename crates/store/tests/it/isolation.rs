//! Row-level security below the typed queries, and the start-up check that it holds.

use domain::{
    AuditId, AuditOutcome, Classification, CredentialId, EndpointId, MembershipId, Role, TenantId,
    authz::permission::{CredentialWrite, InstallRead},
};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, TransactionTrait};
use serde_json::json;
use store::{
    Config, Error, IsolationFault, NewAudit, NewCredential, NewEndpoint, NewMember, Store,
};

use crate::bench::{Bench, at, data_key, document, granted, postgres_database};

const TENANT_TABLES: [&str; 9] = [
    "memberships",
    "installs",
    "credentials",
    "data_key_versions",
    "endpoints",
    "api_keys",
    "runs",
    "records",
    "audit_events",
];

/// An organisation with a row in every table.
pub(crate) async fn furnished(bench: &Bench, slug: &str) -> TenantId {
    let tenant = bench.tenant(slug).await;
    let user = bench.user(&format!("owner@{slug}.example")).await;
    let install = bench.install(tenant, "docs").await;
    bench.run(tenant, install).await;
    bench.write(tenant, install, &[document("a", "Title", "body of the document")]).await;
    let tx = bench.store.begin(&granted::<CredentialWrite>(tenant)).await.expect("begin");
    let member = NewMember {
        id: MembershipId::generate(),
        user,
        role: Role::Owner,
        clearance: Classification::Internal,
        created_at: at(0),
    };
    tx.members().create(&granted(tenant), member).await.expect("member");
    tx.data_keys().create(&granted(tenant), data_key(&[7; 32])).await.expect("data key");
    let id = CredentialId::generate();
    let credential = NewCredential { id, install, version: 1, sealed: vec![1, 2, 3] };
    tx.credentials().put(&granted(tenant), credential).await.expect("credential");
    let endpoint = NewEndpoint {
        id: EndpointId::generate(),
        slug: "mcp".to_owned(),
        name: "Main".to_owned(),
        instructions: None,
        created_at: at(0),
    };
    tx.endpoints().create(&granted(tenant), endpoint).await.expect("endpoint");
    tx.api_keys().create(&granted(tenant), crate::keys::new_key(slug)).await.expect("key");
    tx.audit().append(&granted(tenant), entry("install.create")).await.expect("audit");
    tx.commit().await.expect("commit");
    tenant
}

pub(crate) fn entry(action: &str) -> NewAudit {
    NewAudit {
        id: AuditId::generate(),
        at: at(0),
        actor: "system:run_job".to_owned(),
        action: action.to_owned(),
        target: None,
        outcome: AuditOutcome::Succeeded,
        request_id: "test".to_owned(),
        detail: json!({}),
    }
}

async fn as_tenant(db: &DatabaseConnection, tenant: TenantId) -> DatabaseTransaction {
    let tx = db.begin().await.expect("begin");
    let sql = format!("select set_config('app.tenant', '{}', true)", tenant.uuid());
    tx.execute_unprepared(&sql).await.expect("set tenant");
    tx
}

async fn count(bench: &Bench, db: &impl ConnectionTrait, table: &str) -> i64 {
    let sql = bench.sql(&format!("select count(*) as n from {table}"));
    let row = db.query_one_raw(sql).await.expect("count").expect("one row");
    row.try_get("", "n").expect("number")
}

#[tokio::test]
async fn raw_sql_in_another_tenants_transaction_sees_nothing() {
    let bench = Bench::postgres().await;
    let (acme, other) = (furnished(&bench, "acme").await, bench.tenant("other").await);
    let db = bench.raw().await;
    for table in TENANT_TABLES {
        let own = as_tenant(&db, acme).await;
        assert!(count(&bench, &own, table).await > 0, "{table} is furnished");
        own.rollback().await.expect("rollback");
        let foreign = as_tenant(&db, other).await;
        assert_eq!(count(&bench, &foreign, table).await, 0, "{table}");
        foreign.rollback().await.expect("rollback");
        assert_eq!(count(&bench, &db, table).await, 0, "{table} without a tenant");
    }
}

#[tokio::test]
async fn raw_sql_in_another_tenants_transaction_changes_nothing() {
    let bench = Bench::postgres().await;
    let (acme, other) = (furnished(&bench, "acme").await, bench.tenant("other").await);
    let db = bench.raw().await;
    for table in TENANT_TABLES.into_iter().filter(|table| *table != "audit_events") {
        let tx = as_tenant(&db, other).await;
        let update = format!("update {table} set tenant_id = tenant_id");
        assert_eq!(tx.execute_unprepared(&update).await.expect("update").rows_affected(), 0);
        let delete = format!("delete from {table}");
        assert_eq!(tx.execute_unprepared(&delete).await.expect("delete").rows_affected(), 0);
        tx.commit().await.expect("commit");
    }
    let own = as_tenant(&db, acme).await;
    for table in TENANT_TABLES {
        assert!(count(&bench, &own, table).await > 0, "{table} is still there");
    }
}

#[tokio::test]
async fn row_for_another_tenant_cannot_be_written_or_given_away() {
    let bench = Bench::postgres().await;
    let (acme, other) = (furnished(&bench, "acme").await, bench.tenant("other").await);
    let db = bench.raw().await;
    let tx = as_tenant(&db, other).await;
    let insert = format!(
        "insert into data_key_versions (tenant_id, version, wrapped, wrapped_by, state, created_at)
         values ('{}', 9, '\\x00', 'test', 'retiring', now())",
        acme.uuid()
    );
    let error = tx.execute_unprepared(&insert).await.expect_err("refused");
    assert!(error.to_string().contains("row-level security"), "{error}");
    tx.rollback().await.expect("rollback");

    let tx = as_tenant(&db, acme).await;
    let give = format!("update endpoints set tenant_id = '{}'", other.uuid());
    let error = tx.execute_unprepared(&give).await.expect_err("refused");
    assert!(error.to_string().contains("row-level security"), "{error}");
    tx.rollback().await.expect("rollback");
}

#[tokio::test]
async fn child_cannot_refer_to_another_tenants_parent() {
    let bench = Bench::postgres().await;
    let (acme, other) = (furnished(&bench, "acme").await, bench.tenant("other").await);
    let install = bench.install(acme, "second").await;
    let db = bench.raw().await;
    let tx = as_tenant(&db, other).await;
    let insert = format!(
        "insert into credentials (id, tenant_id, install_id, version, sealed, created_at)
         values (gen_random_uuid(), '{}', '{}', 1, '\\x00', now())",
        other.uuid(),
        install.uuid()
    );
    let error = tx.execute_unprepared(&insert).await.expect_err("refused");
    assert!(error.to_string().contains("foreign key"), "{error}");
}

#[tokio::test]
async fn runtime_role_can_neither_truncate_nor_change_the_schema() {
    let bench = Bench::postgres().await;
    let acme = furnished(&bench, "acme").await;
    let db = bench.raw().await;
    for forbidden in [
        "truncate records",
        "alter table records disable row level security",
        "drop policy tenant on records",
        "create table loot (x int)",
        "delete from seaql_migrations",
    ] {
        let tx = as_tenant(&db, acme).await;
        let error = tx.execute_unprepared(forbidden).await.expect_err(forbidden).to_string();
        assert!(
            error.contains("permission denied") || error.contains("must be owner"),
            "{forbidden}: {error}"
        );
        tx.rollback().await.expect("rollback");
    }
}

#[tokio::test]
async fn pooled_connection_forgets_the_tenant_with_its_transaction() {
    let bench = Bench::postgres().await;
    let acme = furnished(&bench, "acme").await;
    let db = bench.raw().await;
    as_tenant(&db, acme).await.commit().await.expect("commit");
    assert_eq!(count(&bench, &db, "installs").await, 0);
}

#[tokio::test]
async fn start_up_check_accepts_runtime_role_and_owner() {
    let bench = Bench::postgres().await;
    bench.store.check_isolation().await.expect("runtime role");
    let owner = bench.owner_url.as_ref().expect("owner");
    let owner = Store::connect(&Config::at(owner)).await.expect("connect");
    owner.check_isolation().await.expect("owner under forced row-level security");
}

#[tokio::test]
async fn start_up_check_refuses_a_superuser() {
    let database = postgres_database().await;
    #[expect(clippy::disallowed_methods, reason = "set by the starter of the test servers")]
    let server = std::env::var("PATCHBAY_TEST_POSTGRES").expect("checked above");
    let (server, _) = server.rsplit_once('/').expect("URL with a database");
    let url = format!("{server}/{}", database.name);
    let store = Store::connect(&Config::at(url)).await.expect("connect");
    let refused = store.check_isolation().await.expect_err("superuser");
    let Error::Isolation(fault @ IsolationFault::RoleBypasses { .. }) = refused else {
        panic!("{refused}")
    };
    assert!(fault.to_string().contains("NOSUPERUSER NOBYPASSRLS"), "{fault}");
}

#[tokio::test]
async fn start_up_check_refuses_an_open_table() {
    let bench = Bench::postgres().await;
    let owner = crate::bench::raw(bench.owner_url.as_ref().expect("owner")).await;
    owner
        .execute_unprepared("alter table records no force row level security")
        .await
        .expect("alter");
    let refused = bench.store.check_isolation().await.expect_err("open table");
    let Error::Isolation(fault) = refused else { panic!("{refused}") };
    assert_eq!(fault, IsolationFault::TableOpen { table: "records".to_owned() });
}

#[tokio::test]
async fn start_up_check_has_nothing_to_refuse_on_sqlite() {
    Bench::sqlite().await.store.check_isolation().await.expect("no roles");
}

#[tokio::test]
async fn granting_to_a_role_that_is_not_there_is_an_error() {
    let bench = Bench::postgres().await;
    let owner = bench.owner_url.as_ref().expect("owner");
    let owner = Store::connect(&Config::at(owner)).await.expect("connect");
    assert!(owner.grant_runtime_role("nobody; drop table records").await.is_err());
    let role = bench.runtime_role.as_ref().expect("role");
    owner.grant_runtime_role(role).await.expect("again");
    let acme = bench.tenant("acme").await;
    let tx = bench.store.read(&granted::<InstallRead>(acme)).await.expect("read");
    tx.installs().list_active(&granted(acme)).await.expect("the tables are still there");
}
