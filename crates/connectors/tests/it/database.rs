//! A database of its own for each test, on the PostgreSQL of `make test`.

use connector_sdk::Context;
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};
use url::Url;

use crate::support::{Allow, context};

/// Superuser URL of a running server.
const VARIABLE: &str = "PATCHBAY_TEST_POSTGRES";

/// A database that exists for one test, with a role that may only read, as the manual advises.
pub(crate) struct Database {
    server: Url,
    pub(crate) name: String,
    pub(crate) reader: String,
}

pub(crate) const READER_PASSWORD: &str = "reader-pass";

impl Database {
    pub(crate) async fn create() -> Self {
        let server = server();
        let id = format!("{:x}", rand());
        let database = Self { server, name: format!("cx_{id}"), reader: format!("reader_{id}") };
        let mut admin = database.connect("postgres").await;
        for sql in [
            format!("CREATE ROLE {} LOGIN PASSWORD '{READER_PASSWORD}'", database.reader),
            format!("CREATE DATABASE {}", database.name),
        ] {
            execute(&mut admin, &sql).await;
        }
        let grant = format!(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {}",
            database.reader
        );
        database.run(&grant).await;
        database
    }

    /// Runs SQL as the superuser.
    pub(crate) async fn run(&self, sql: &str) {
        let mut admin = self.connect(&self.name).await;
        execute(&mut admin, sql).await;
    }

    /// Asks for one number as the superuser.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let mut admin = self.connect(&self.name).await;
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut admin).await.expect(sql)
    }

    /// A connection of the superuser, for transactions that stay open.
    pub(crate) async fn connect(&self, database: &str) -> PgConnection {
        PgConnection::connect_with(&self.options().database(database)).await.expect("a connection")
    }

    fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host(self.host())
            .port(self.port())
            .username(self.server.username())
            .password(self.server.password().unwrap_or_default())
            .ssl_mode(PgSslMode::Disable)
    }

    pub(crate) fn host(&self) -> &str {
        self.server.host_str().expect("a host")
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.port().unwrap_or(5432)
    }

    /// Settings of an install that signs in as the reader; `more` goes over them.
    pub(crate) fn config(&self, more: &Value) -> Value {
        let mut config = json!({
            "host": self.host(), "port": self.port(), "database": self.name, "user": self.reader,
            "ssl_mode": "disable",
        });
        for (name, value) in more.as_object().expect("an object") {
            config[name] = value.clone();
        }
        config
    }

    pub(crate) fn context(&self, more: &Value) -> Context {
        let config = self.config(more);
        let manifest = connectors::registry::find("postgres").expect("postgres").manifest();
        manifest.validate_config(&config).expect("valid settings");
        context(config, Some(json!({"password": READER_PASSWORD})), Allow::default())
    }

    /// The worst role that an admin could choose: the superuser.
    pub(crate) fn context_as_superuser(&self) -> Context {
        let user = self.server.username();
        let credential = json!({"password": self.server.password().unwrap_or_default()});
        let config = self.config(&json!({"user": user}));
        context(config, Some(credential), Allow::default())
    }

    pub(crate) async fn drop(self) {
        let mut admin = self.connect("postgres").await;
        execute(&mut admin, &format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
        execute(&mut admin, &format!("DROP ROLE {}", self.reader)).await;
    }
}

async fn execute(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.expect(sql);
}

#[expect(clippy::disallowed_methods, reason = "the test-suite names its servers by environment")]
fn server() -> Url {
    let url = std::env::var(VARIABLE).unwrap_or_else(|_| {
        panic!(
            "{VARIABLE} is not set: run `make test`, which starts a PostgreSQL and names it there"
        )
    });
    Url::parse(&url).expect("a URL")
}

/// A number that no other test has: names of databases and roles are shared by the server.
fn rand() -> u128 {
    uuid::Uuid::now_v7().as_u128()
}
