//! Which tables there are, how their rows are named, and which of them are synced.

use connector_sdk::{CheckReport, ConnectorError};
use sqlx::{FromRow, PgConnection, Row as _, postgres::PgRow};

use super::{Config, error};

/// The tables of an install, in the order in which they are synced.
#[derive(Debug)]
pub(super) struct Catalog {
    /// With a primary key, and readable.
    pub(super) tables: Vec<Table>,
    /// The others, with the reason.
    skipped: Vec<(String, String)>,
}

/// A table that is synced.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// Positions in `columns`, in the order of the key.
    pub(super) key: Vec<usize>,
    /// Position in `columns` of the configured cursor column.
    pub(super) cursor: Option<usize>,
    /// By the statistics; 0 if there are none.
    pub(super) estimated_rows: u64,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// As `format_type` writes it: usable in a cast.
    pub(super) sql_type: String,
}

struct ColumnRow {
    schema: String,
    table: String,
    column: String,
    sql_type: String,
    /// Grows along the primary key; `None` outside of it.
    key_position: Option<i32>,
    readable: bool,
    estimated_rows: f32,
}

/// Ordinary and partitioned tables (partitions come with their parent), with each column and its place in the primary key.
const COLUMNS: &str = "\
    SELECT n.nspname::text AS schema, c.relname::text AS \"table\", a.attname::text AS \"column\", \
           format_type(a.atttypid, a.atttypmod) AS sql_type, \
           array_position(i.indkey::int2[], a.attnum)::int4 AS key_position, \
           has_column_privilege(c.oid, a.attnum, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') AS readable, \
           greatest(c.reltuples, 0)::float4 AS estimated_rows \
    FROM pg_catalog.pg_class c \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary \
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = ANY($1) \
    ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\", a.attnum";

// === impl Catalog ===

impl Catalog {
    /// Reads the tables that the settings name.
    pub(super) async fn read(
        connection: &mut PgConnection,
        config: &Config,
    ) -> Result<Self, ConnectorError> {
        let mut schemas = config.schemas.clone();
        let named = config.tables.iter().flatten();
        schemas.extend(named.filter_map(|name| name.split_once('.').map(|(s, _)| s.to_owned())));
        let rows: Vec<ColumnRow> = sqlx::query_as(COLUMNS)
            .bind(&schemas)
            .fetch_all(connection)
            .await
            .map_err(error::reading)?;
        let mut catalog = Self { tables: Vec::new(), skipped: Vec::new() };
        for rows in rows.chunk_by(|a, b| a.schema == b.schema && a.table == b.table) {
            catalog.add(rows, config);
        }
        catalog.check_named(config)?;
        Ok(catalog)
    }

    fn add(&mut self, rows: &[ColumnRow], config: &Config) {
        let Some(first) = rows.first() else { return };
        if !is_wanted(config, &first.schema, &first.table) {
            return;
        }
        let full_name = format!("{}.{}", first.schema, first.table);
        let mut key: Vec<(i32, usize)> = Vec::new();
        let mut columns = Vec::new();
        for row in rows {
            match (row.readable, row.key_position) {
                (false, None) => continue,
                (false, Some(_)) => {
                    let reason = "the user may not read its primary key";
                    return self.skipped.push((full_name, reason.to_owned()));
                }
                (true, Some(position)) => key.push((position, columns.len())),
                (true, None) => {}
            }
            columns.push(Column { name: row.column.clone(), sql_type: row.sql_type.clone() });
        }
        if columns.is_empty() {
            return self.skipped.push((full_name, "the user may not read it".to_owned()));
        }
        if key.is_empty() {
            return self.skipped.push((full_name, "it has no primary key".to_owned()));
        }
        key.sort_unstable();
        let cursor = config.cursor_column.as_ref();
        let cursor = cursor.and_then(|name| columns.iter().position(|c| c.name == *name));
        self.tables.push(Table {
            schema: first.schema.clone(),
            name: first.table.clone(),
            columns,
            key: key.into_iter().map(|(_, index)| index).collect(),
            cursor,
            estimated_rows: row_estimate(first.estimated_rows),
        });
    }

    /// A table that was named and is not there is a mistake in the form; syncing without it would delete its rows.
    fn check_named(&self, config: &Config) -> Result<(), ConnectorError> {
        for (index, wanted) in config.tables.iter().flatten().enumerate() {
            let known = |schema: &str, name: &str| is_named(wanted, schema, name);
            let found = self.tables.iter().any(|table| known(&table.schema, &table.name))
                || self.skipped.iter().any(|(full_name, _)| {
                    full_name.split_once('.').is_some_and(|(schema, name)| known(schema, name))
                });
            if !found {
                return Err(ConnectorError::Config {
                    field: vec!["tables".to_owned(), index.to_string()],
                    message: format!("There is no table `{wanted}` in the given schemas."),
                });
            }
        }
        Ok(())
    }

    /// Says what will be synced and what will not.
    pub(super) fn report(&self, report: &mut CheckReport) {
        let names: Vec<String> = self.tables.iter().map(Table::full_name).collect();
        if names.is_empty() {
            report.fail("Tables", "No table can be synced.");
        } else {
            report.pass("Tables", format!("{} will be synced.", names.join(", ")));
        }
        for (name, reason) in &self.skipped {
            report.pass("Left out", format!("{name} will not be synced: {reason}."));
        }
    }

    /// Estimate of the rows of all tables.
    pub(super) fn estimated_rows(&self) -> u64 {
        self.tables.iter().map(|table| table.estimated_rows).sum()
    }
}

// === impl ColumnRow ===

impl FromRow<'_, PgRow> for ColumnRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            schema: row.try_get("schema")?,
            table: row.try_get("table")?,
            column: row.try_get("column")?,
            sql_type: row.try_get("sql_type")?,
            key_position: row.try_get("key_position")?,
            readable: row.try_get("readable")?,
            estimated_rows: row.try_get("estimated_rows")?,
        })
    }
}

// === impl Table ===

impl Table {
    /// `schema.table`, as in external ids and settings.
    pub(super) fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// Quoted for SQL.
    pub(super) fn sql_name(&self) -> String {
        format!("{}.{}", quote(&self.schema), quote(&self.name))
    }

    pub(super) fn key_columns(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().filter_map(|index| self.columns.get(*index))
    }

    pub(super) fn cursor_column(&self) -> Option<&Column> {
        self.columns.get(self.cursor?)
    }
}

// === impl Column ===

impl Column {
    /// Quoted for SQL.
    pub(super) fn sql_name(&self) -> String {
        quote(&self.name)
    }

    /// Whether its values are moments.
    pub(super) fn is_time(&self) -> bool {
        self.sql_type.starts_with("timestamp") || self.sql_type == "date"
    }

    /// Bytes are told by their number: nobody can read or find them.
    pub(super) fn is_binary(&self) -> bool {
        self.sql_type == "bytea"
    }
}

/// An identifier as SQL writes it, whatever is in it.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn is_wanted(config: &Config, schema: &str, name: &str) -> bool {
    match config.tables.as_deref() {
        None | Some([]) => config.schemas.iter().any(|wanted| wanted == schema),
        Some(tables) => tables.iter().any(|wanted| {
            is_named(wanted, schema, name)
                && (wanted.contains('.') || config.schemas.iter().any(|s| s == schema))
        }),
    }
}

fn is_named(wanted: &str, schema: &str, name: &str) -> bool {
    wanted == name || wanted.split_once('.') == Some((schema, name))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate: the cast saturates, and the query gives no negative"
)]
const fn row_estimate(tuples: f32) -> u64 {
    tuples as u64
}
