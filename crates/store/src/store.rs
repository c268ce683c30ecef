//! The connection: opening it, bringing the schema up to date, and the turn to write.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use migrations::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions as PoolOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr,
    Statement, TransactionTrait,
    sqlx::{
        ConnectOptions as _,
        postgres::PgConnectOptions,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use crate::{AuditKeys, Config, Directory, Error, Jobs, config::Place};

/// How long a statement or a writer waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection that was idle for longer is tried before it is used.
const TRY_AFTER_IDLE: Duration = Duration::from_secs(30);
/// Any number will do, as long as it stays: processes that migrate at the same time queue up behind it.
const MIGRATION_LOCK: i64 = 0x0070_6174_6368;

/// The database. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Store {
    connection: DatabaseConnection,
    /// SQLite has one writer at a time: writers queue up here, in order and without holding a connection, instead of
    /// racing for the file lock.
    turns: Option<Arc<Semaphore>>,
    runtime_role: Option<String>,
    /// Transactions that are about to begin.
    opening: TaskTracker,
}

/// The turn to write, given back when it is dropped.
pub(crate) type Turn = OwnedSemaphorePermit;

// === impl Store ===

impl Store {
    /// Opens the database. A SQLite file is made if it is not there; its directory is not.
    ///
    /// # Errors
    /// [`Error::Url`] and [`Error::Connect`].
    pub async fn connect(config: &Config) -> Result<Self, Error> {
        let options = pool_options(config)?;
        let connection = Database::connect(options)
            .await
            .map_err(|source| Error::Connect { database: config.place_shown(), source })?;
        let turns = match connection.get_database_backend() {
            DbBackend::Sqlite => Some(Arc::new(Semaphore::new(1))),
            _ => None,
        };
        Ok(Self {
            connection,
            turns,
            runtime_role: config.runtime_role.clone(),
            opening: TaskTracker::new(),
        })
    }

    /// Brings the schema up to date and, if a runtime role is configured, grants it what it needs. Several processes
    /// may do so at once.
    ///
    /// # Errors
    /// [`Error::Database`]: then the migration that failed has left nothing behind.
    pub async fn migrate(&self) -> Result<(), Error> {
        // SQLite's other processes are kept out by the topology; within this one, writers take turns.
        let _turn = self.take_turn().await?;
        if self.backend() == DbBackend::Postgres {
            let lock = self.connection.begin().await?;
            let sql = "select pg_advisory_xact_lock($1)";
            let values = [MIGRATION_LOCK.into()];
            let statement = Statement::from_sql_and_values(self.backend(), sql, values);
            lock.query_one_raw(statement).await?;
            Migrator::up(&self.connection, None).await?;
            lock.commit().await?;
        } else {
            Migrator::up(&self.connection, None).await?;
        }
        match &self.runtime_role {
            Some(role) => self.grant_runtime_role(role).await,
            None => Ok(()),
        }
    }

    /// Names of migrations that this release has and the database has not, in order. Needs no right to change anything.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn pending_migrations(&self) -> Result<Vec<String>, Error> {
        let exists = match self.backend() {
            DbBackend::Postgres => "select to_regclass('seaql_migrations')::text as name",
            _ => {
                "select name from sqlite_master where type = 'table' and name = 'seaql_migrations'"
            }
        };
        let table = self.connection.query_one_raw(self.statement(exists)).await?;
        let table: Option<String> = match table {
            Some(row) => row.try_get("", "name")?,
            None => None,
        };
        let mut applied = BTreeSet::new();
        if table.is_some() {
            let sql = "select version from seaql_migrations";
            for row in self.connection.query_all_raw(self.statement(sql)).await? {
                applied.insert(row.try_get::<String>("", "version")?);
            }
        }
        let known = Migrator::migrations().into_iter().map(|migration| migration.name().to_owned());
        Ok(known.filter(|name| !applied.contains(name)).collect())
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.connection.ping().await?)
    }

    /// Closes every connection. Clones cannot be used afterwards.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn close(&self) -> Result<(), Error> {
        Ok(self.connection.close_by_ref().await?)
    }

    /// The tables that are used before a tenant is known.
    pub const fn directory(&self) -> Directory<'_> {
        Directory::of(self)
    }

    /// Public keys of the audit log's checkpoints.
    pub const fn audit_keys(&self) -> AuditKeys<'_> {
        AuditKeys::new(self)
    }

    /// Jobs of all tenants, for workers and the sweeper.
    pub const fn jobs(&self) -> Jobs<'_> {
        Jobs::new(self)
    }

    pub(crate) const fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    pub(crate) const fn opening(&self) -> &TaskTracker {
        &self.opening
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    pub(crate) fn statement(&self, sql: &str) -> Statement {
        Statement::from_string(self.backend(), sql)
    }

    /// Waits for the turn to write; `None` where the database takes many writers.
    pub(crate) async fn take_turn(&self) -> Result<Option<Turn>, Error> {
        let Some(turns) = &self.turns else { return Ok(None) };
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(turns).acquire_owned()).await;
        match turn {
            Ok(Ok(turn)) => Ok(Some(turn)),
            Ok(Err(_)) | Err(_) => Err(Error::Busy),
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.backend()).finish_non_exhaustive()
    }
}

/// The driver's own options are replaced as a whole: sea-orm puts the URL it is given, password and all, into a trace span.
/// Statements are neither logged nor recorded: they can hold what people wrote.
fn pool_options(config: &Config) -> Result<PoolOptions, Error> {
    let database = config.place_shown();
    let refused = |source| Error::Connect { database, source: DbErr::Conn(source) };
    let mut options = match config.place()? {
        Place::Sqlite(path) => {
            let file = SqliteConnectOptions::new()
                .filename(path)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .foreign_keys(true)
                .busy_timeout(PATIENCE)
                .disable_statement_logging();
            let mut options = PoolOptions::new("sqlite::memory:");
            options.map_sqlx_sqlite_opts(move |_| file.clone());
            options
        }
        Place::Postgres(url) => {
            let server: PgConnectOptions = url
                .parse()
                .map_err(|source| refused(sea_orm::RuntimeErr::SqlxError(Arc::new(source))))?;
            let server = server.application_name("patchbay").disable_statement_logging();
            let mut options = PoolOptions::new("postgres://localhost");
            options.map_sqlx_postgres_opts(move |_| server.clone());
            options
        }
    };
    options
        .max_connections(config.max_connections.max(2))
        .acquire_timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        .test_before_acquire_if_idle_for(TRY_AFTER_IDLE)
        .record_stmt_in_spans(false)
        .sqlx_logging(false);
    Ok(options)
}
