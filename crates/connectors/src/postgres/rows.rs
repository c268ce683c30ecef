//! The statements of a sync: one page of a table by keyset, and the bounds of a run. Values travel as text and are cast back by
//! the server, so any type that orders can be a key.

use chrono::{DateTime, Utc};
use connector_sdk::ConnectorError;
use sqlx::{
    AssertSqlSafe, FromRow, PgConnection, Row as _,
    postgres::{PgArguments, PgRow},
    query::QueryAs,
};

use super::{
    catalog::{Column, Table},
    error,
};

/// Longest value of one column that is read, in characters.
const MAX_VALUE_CHARS: usize = 20_000;

/// A row as text.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) key: Vec<String>,
    pub(super) cursor: Option<String>,
    pub(super) updated_at: Option<DateTime<Utc>>,
    /// Written or changed by a transaction that the last run may not have seen.
    pub(super) is_recent: bool,
    /// In the order of the table's columns; empty where only the key was asked for.
    pub(super) values: Vec<Option<String>>,
}

/// What a run reads of a table, fixed when it begins with it.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    /// Greatest cursor value there is; `None` for a table without a cursor column or without rows.
    pub(super) cursor: Option<String>,
    /// Every transaction below this one had ended.
    pub(super) snapshot: String,
}

/// Which rows, and from where.
pub(super) struct Scan<'a> {
    pub(super) table: &'a Table,
    pub(super) page_size: u32,
    /// Key of the last row of the page before.
    pub(super) after: Option<&'a [String]>,
    /// By cursor and key between two cursor values, or by key alone.
    pub(super) by_cursor: Option<CursorRange<'a>>,
    /// Rows of transactions from this one on count as recent, and only theirs are read in full; `None` reads all in full.
    pub(super) since: Option<&'a str>,
}

/// Cursor values that are read: above `from`, not above `to`.
pub(super) struct CursorRange<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    /// Cursor value of the last row of the page before.
    pub(super) after: Option<&'a str>,
}

/// Looks where the table stands now.
pub(super) async fn bounds(
    connection: &mut PgConnection,
    table: &Table,
) -> Result<Bounds, ConnectorError> {
    let cursor = match table.cursor_column() {
        Some(column) => {
            format!("(SELECT max({})::text FROM {})", column.sql_name(), table.sql_name())
        }
        None => "NULL::text".to_owned(),
    };
    let sql = format!(
        "SELECT {cursor} AS cursor, pg_snapshot_xmin(pg_current_snapshot())::text AS snapshot"
    );
    sqlx::query_as(AssertSqlSafe(sql)).fetch_one(connection).await.map_err(error::reading)
}

// === impl Row ===

impl FromRow<'_, PgRow> for Row {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            key: row.try_get("key")?,
            cursor: row.try_get("cursor")?,
            updated_at: row.try_get("updated_at")?,
            is_recent: row.try_get("is_recent")?,
            values: row.try_get("values")?,
        })
    }
}

// === impl Bounds ===

impl FromRow<'_, PgRow> for Bounds {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self { cursor: row.try_get("cursor")?, snapshot: row.try_get("snapshot")? })
    }
}

// === impl Scan ===

impl Scan<'_> {
    /// Reads one page.
    pub(super) async fn read(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Vec<Row>, ConnectorError> {
        let (sql, binds) = self.statement();
        // Names are quoted by `quote`, values are bound.
        let mut query: QueryAs<'_, _, Row, PgArguments> = sqlx::query_as(AssertSqlSafe(sql));
        for bind in binds {
            query = query.bind(bind);
        }
        query.fetch_all(connection).await.map_err(error::reading)
    }

    fn statement(&self) -> (String, Vec<String>) {
        let table = self.table;
        let mut binds = Binds(Vec::new());
        let recent = match self.since {
            // Transaction ids of rows have 32 bits and wrap around; `age` compares them as the server does.
            Some(since) => format!(
                "age(t.xmin) <= age((({}::text::numeric % 4294967296)::text)::xid)",
                binds.add(since)
            ),
            None => "true".to_owned(),
        };
        let values: Vec<String> = table.columns.iter().map(value_as_text).collect();
        let values = format!("ARRAY[{}]::text[]", values.join(", "));
        let values = match self.since {
            Some(_) => format!("CASE WHEN {recent} THEN {values} ELSE ARRAY[]::text[] END"),
            None => values,
        };
        let mut order: Vec<String> = Vec::new();
        let conditions = self.conditions(&mut binds);
        if self.by_cursor.is_some() {
            order.extend(table.cursor_column().map(column));
        }
        order.extend(table.key_columns().map(column));
        let key: Vec<String> =
            table.key_columns().map(|c| format!("{}::text", column(c))).collect();
        let (cursor, updated_at) = cursor_parts(table);
        let sql = format!(
            "SELECT ARRAY[{key}]::text[] AS key, {cursor} AS cursor, {updated_at} AS updated_at, \
             {recent} AS is_recent, {values} AS values \
             FROM {name} t WHERE {conditions} ORDER BY {order} LIMIT {limit}",
            key = key.join(", "),
            name = table.sql_name(),
            conditions = conditions.join(" AND "),
            order = order.join(", "),
            limit = self.page_size,
        );
        (sql, binds.0)
    }

    fn conditions(&self, binds: &mut Binds) -> Vec<String> {
        let mut conditions = vec!["true".to_owned()];
        let mut left: Vec<String> = Vec::new();
        let mut right: Vec<String> = Vec::new();
        if let (Some(range), Some(cursor)) = (&self.by_cursor, self.table.cursor_column()) {
            conditions.push(format!("{} > {}", column(cursor), binds.cast(range.from, cursor)));
            conditions.push(format!("{} <= {}", column(cursor), binds.cast(range.to, cursor)));
            if let Some(after) = range.after {
                left.push(column(cursor));
                right.push(binds.cast(after, cursor));
            }
        }
        if let Some(after) = self.after {
            for (part, value) in self.table.key_columns().zip(after) {
                left.push(column(part));
                right.push(binds.cast(value, part));
            }
            conditions.push(format!("({}) > ({})", left.join(", "), right.join(", ")));
        }
        conditions
    }
}

/// The bound values of a statement under construction.
struct Binds(Vec<String>);

// === impl Binds ===

impl Binds {
    fn add(&mut self, value: &str) -> String {
        self.0.push(value.to_owned());
        format!("${}", self.0.len())
    }

    fn cast(&mut self, value: &str, column: &Column) -> String {
        format!("{}::text::{}", self.add(value), column.sql_type)
    }
}

fn column(column: &Column) -> String {
    format!("t.{}", column.sql_name())
}

fn value_as_text(of: &Column) -> String {
    if of.is_binary() {
        return format!("'(' || octet_length({}) || ' bytes)'", column(of));
    }
    format!("left({}::text, {MAX_VALUE_CHARS})", column(of))
}

/// The cursor as text, and as a moment if it is one.
fn cursor_parts(table: &Table) -> (String, String) {
    let Some(cursor) = table.cursor_column() else {
        return ("NULL::text".to_owned(), "NULL::timestamptz".to_owned());
    };
    let name = column(cursor);
    let updated_at = if cursor.is_time() {
        // `infinity` is a moment to PostgreSQL only.
        format!("CASE WHEN isfinite({name}) THEN {name}::timestamptz END")
    } else {
        "NULL::timestamptz".to_owned()
    };
    (format!("{name}::text"), updated_at)
}
