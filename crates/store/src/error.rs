//! How a use of the store ends when it does not succeed.

use sea_orm::{DbErr, SqlErr};

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such row in the tenant of the grant; another tenant's row answers the same.
    #[error("there is nothing by that id")]
    NotFound,
    /// A unique value is taken, or the row is in a state that forbids the change.
    #[error("`{field}` contradicts what is stored")]
    Conflict {
        /// Which value, in the words of the noun.
        field: &'static str,
    },
    /// The row has changed since the version that was expected.
    #[error("the row has changed since it was read")]
    Stale,
    /// A page cursor that no list has given.
    #[error("this is not a cursor of this list")]
    InvalidCursor,
    /// `database.url` is not one that can be used.
    #[error("`database.url` {0}")]
    Url(&'static str),
    /// There is no way to the database.
    #[error("the database {database} cannot be reached")]
    Connect {
        /// Where it was looked for, without user and password.
        database: String,
        #[source]
        source: DbErr,
    },
    /// PostgreSQL would not keep tenants apart for the role that is connected.
    #[error("tenants would not be kept apart: {0}")]
    Isolation(IsolationFault),
    /// A write in a transaction that was begun for reading. A fault of the caller.
    #[error("a transaction that only reads was asked to write")]
    ReadOnly,
    /// A grant of one tenant in the transaction of another. A fault of the caller.
    #[error("the grant is for another tenant than the transaction")]
    WrongTenant,
    /// A stored value that this version cannot read.
    #[error("a stored `{column}` of `{table}` cannot be read")]
    Unreadable { table: &'static str, column: &'static str },
    /// Other writers held the database for too long.
    #[error("the database is too busy to write")]
    Busy,
    /// The database refused or failed.
    #[error("the database failed")]
    Database(#[source] DbErr),
}

/// Why row-level security would not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IsolationFault {
    #[error(
        "the role `{role}` is a superuser or has BYPASSRLS; connect as a role made with NOSUPERUSER NOBYPASSRLS"
    )]
    RoleBypasses { role: String },
    #[error(
        "the table `{table}` is not under forced row-level security; run `patchbay migrate` with this release"
    )]
    TableOpen { table: String },
}

// === impl Error ===

impl Error {
    /// For writes: a broken unique constraint is about `field`, a broken foreign key means that the parent is not there.
    pub(crate) fn of_write(field: &'static str) -> impl FnOnce(DbErr) -> Self {
        move |error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Conflict { field },
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => Self::NotFound,
            _ => Self::from(error),
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}
