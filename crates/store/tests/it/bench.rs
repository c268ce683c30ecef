//! A fresh database of each kind, and an organisation or two in it.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Granted, InstallId, RecordId, RunId, SystemReason, TenantId, UserId, authz::Permission,
};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbBackend, Statement};
use serde_json::json;
use store::{Config, NewDataKey, NewInstall, NewRecord, NewRun, NewTenant, NewUser, Store};
use tempfile::TempDir;
use testkit::services::TestDatabase;

/// A migrated database and a store on it. On PostgreSQL the store is connected as the runtime role.
pub(crate) struct Bench {
    pub(crate) store: Store,
    /// Of the connection that the store has, for raw SQL.
    pub(crate) url: String,
    /// PostgreSQL: of the role that owns the tables.
    pub(crate) owner_url: Option<String>,
    pub(crate) runtime_role: Option<String>,
    pub(crate) backend: DbBackend,
    _directory: Option<TempDir>,
}

/// Runs a test on SQLite and then on PostgreSQL.
pub(crate) async fn on_both(test: impl AsyncFn(&Bench)) {
    let bench = Bench::sqlite().await;
    test(&bench).await;
    let bench = Bench::postgres().await;
    test(&bench).await;
    bench.store.close().await.expect("close");
}

/// A grant for whatever the call asks for.
pub(crate) fn granted<P: Permission>(tenant: TenantId) -> Granted<P> {
    Granted::system(SystemReason::RunJob, tenant, "test")
}

/// A moment, in seconds after a fixed one.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 123_456_789).expect("in range")
        + TimeDelta::seconds(seconds)
}

/// As [`at`], as it comes back: to the microsecond.
pub(crate) fn kept(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at(seconds).timestamp_micros()).expect("in range")
}

/// The first data key of an organisation.
pub(crate) fn data_key(wrapped: &[u8]) -> NewDataKey {
    let wrapped = wrapped.to_vec();
    NewDataKey { version: 1, wrapped, wrapped_by: "test".to_owned(), created_at: at(0) }
}

/// A document of the stream `docs`; its hash is of its text.
pub(crate) fn document(external_id: &str, title: &str, body: &str) -> NewRecord {
    NewRecord {
        id: RecordId::generate(),
        stream: "docs".to_owned(),
        external_id: external_id.to_owned(),
        title: title.to_owned(),
        body: body.to_owned(),
        mime_type: "text/plain".to_owned(),
        url: None,
        metadata: json!({ "from": "test" }),
        content_hash: format!("{title}|{body}"),
        source_updated_at: None,
        synced_at: at(0),
    }
}

// === impl Bench ===

impl Bench {
    pub(crate) async fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("temporary directory");
        let url = format!("sqlite:{}", directory.path().join("test.db").display());
        let store = Store::connect(&Config::at(&url)).await.expect("connect");
        store.migrate().await.expect("migrate");
        Self {
            store,
            url,
            owner_url: None,
            runtime_role: None,
            backend: DbBackend::Sqlite,
            _directory: Some(directory),
        }
    }

    pub(crate) async fn postgres() -> Self {
        let database = postgres_database().await;
        let role = Some(database.runtime_role.clone());
        let owner = Config { runtime_role: role, ..small(&database.owner_url) };
        let owner = Store::connect(&owner).await.expect("connect as owner");
        owner.migrate().await.expect("migrate");
        owner.close().await.expect("close");
        let config = small(&database.runtime_url);
        Self {
            store: Store::connect(&config).await.expect("connect as runtime role"),
            url: database.runtime_url,
            owner_url: Some(database.owner_url),
            runtime_role: Some(database.runtime_role),
            backend: DbBackend::Postgres,
            _directory: None,
        }
    }

    /// A connection past the store.
    pub(crate) async fn raw(&self) -> DatabaseConnection {
        raw(&self.url).await
    }

    pub(crate) fn sql(&self, text: &str) -> Statement {
        Statement::from_string(self.backend, text)
    }

    pub(crate) async fn tenant(&self, slug: &str) -> TenantId {
        let new = NewTenant {
            id: TenantId::generate(),
            slug: slug.to_owned(),
            name: slug.to_owned(),
            created_at: at(0),
        };
        self.store.directory().create_tenant(new).await.expect("tenant").id
    }

    pub(crate) async fn user(&self, email: &str) -> UserId {
        let new = NewUser {
            id: UserId::generate(),
            email: email.to_owned(),
            display_name: "Somebody".to_owned(),
            created_at: at(0),
        };
        self.store.directory().create_user(new).await.expect("user").id
    }

    pub(crate) async fn install(&self, tenant: TenantId, alias: &str) -> InstallId {
        let tx = self.store.begin(&granted::<MayInstall>(tenant)).await.expect("begin");
        let install = tx.installs().create(&granted(tenant), new_install(alias)).await;
        tx.commit().await.expect("commit");
        install.expect("install").id
    }

    pub(crate) async fn run(&self, tenant: TenantId, install: InstallId) -> RunId {
        let new = NewRun { id: RunId::generate(), install, created_at: at(0) };
        let tx = self.store.begin(&granted::<MayInstall>(tenant)).await.expect("begin");
        let run = tx.runs().create(&granted(tenant), new).await.expect("run");
        tx.commit().await.expect("commit");
        run.id
    }

    /// Writes documents outside any run.
    pub(crate) async fn write(&self, tenant: TenantId, install: InstallId, page: &[NewRecord]) {
        let tx = self.store.begin(&granted::<MayInstall>(tenant)).await.expect("begin");
        let run = RunId::generate();
        tx.records().upsert_page(&granted(tenant), install, run, page).await.expect("write");
        tx.commit().await.expect("commit");
    }
}

impl Drop for Bench {
    #[expect(
        clippy::print_stderr,
        reason = "a failed test of both backends must say which one it was"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was on {:?}", self.backend);
        }
    }
}

type MayInstall = domain::authz::permission::InstallWrite;

pub(crate) async fn raw(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.expect("raw connection")
}

pub(crate) async fn postgres_database() -> TestDatabase {
    #[expect(
        clippy::disallowed_methods,
        reason = "set by the starter of the test servers, not a setting of the product"
    )]
    let server = std::env::var("PATCHBAY_TEST_POSTGRES").expect(
        "PATCHBAY_TEST_POSTGRES is not set: run the tests by `make test`, which starts PostgreSQL",
    );
    TestDatabase::create(&server).await.expect("database for the test")
}

pub(crate) fn new_install(alias: &str) -> NewInstall {
    NewInstall {
        id: InstallId::generate(),
        connector: "files".to_owned(),
        alias: alias.to_owned(),
        display_name: alias.to_owned(),
        config: json!({ "root": "/srv/docs" }),
        sync_interval_seconds: Some(3600),
        classification: domain::Classification::default(),
        created_at: at(0),
    }
}

fn small(url: &str) -> Config {
    Config { max_connections: 5, ..Config::at(url) }
}
