//! The sync: table after table, page by page.
//!
//! The first run of a table reads all rows by primary key. A later run of a table with a cursor column reads what lies above the
//! last run's cursor value, then walks all keys: rows of transactions that the last run cannot have seen (they committed late, or
//! changed a row without moving its cursor) are read in full, the others are only noted as still there. What is noted nowhere is
//! gone. A table without a cursor column is read whole each time.

use std::collections::BTreeMap;

use async_trait::async_trait;
use connector_sdk::{ConnectorError, Context, DocumentKey, Next, SyncPage, SyncSource, SyncStart};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Config, Postgres, STREAM,
    catalog::{Catalog, Table},
    connect::Connection,
    error, render,
    rows::{self, Bounds, CursorRange, Row, Scan},
};

/// What a finished run leaves for the next, by the full names of the tables.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {
    tables: BTreeMap<String, Mark>,
}

/// How far a table was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// The cursor column by which it was read.
    column: Option<String>,
    /// Greatest value of that column.
    cursor: Option<String>,
    /// Every transaction below this one was seen.
    snapshot: String,
    /// The columns as of then: a new column changes every document, without any row being written.
    shape: String,
}

/// Where a run is.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cursor {
    /// Full name of the table that is read.
    table: String,
    phase: Phase,
    /// Its marks as of the beginning with it.
    mark: Mark,
    /// Key of the last row.
    after: Option<Vec<String>>,
    /// Cursor value of the last row.
    after_value: Option<String>,
    /// The marks of the tables that are done.
    done: State,
    total: u64,
}

/// Which walk over the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// All rows, by key.
    All,
    /// Rows above the last run's cursor value, by cursor and key.
    Changed,
    /// All keys.
    Keys,
}

#[async_trait]
impl SyncSource for Postgres {
    async fn read_page(&self, cx: &Context, start: &SyncStart) -> Result<SyncPage, ConnectorError> {
        cx.check_cancelled()?;
        let config: Config = cx.config()?;
        let mut connection = Connection::open(cx, &config).await?;
        let outcome = tokio::select! {
            () = cx.cancel.cancelled() => Err(ConnectorError::Cancelled),
            outcome = page(cx, &config, &mut connection, start) => outcome,
        };
        connection.close().await;
        outcome
    }
}

async fn page(
    cx: &Context,
    config: &Config,
    connection: &mut Connection,
    start: &SyncStart,
) -> Result<SyncPage, ConnectorError> {
    let last: State = stored(start.state.clone())?.unwrap_or_default();
    let cursor: Option<Cursor> = stored(start.cursor.clone())?;
    // One snapshot for the whole page: bounds and rows fit together, and nothing can be written.
    for setting in [
        "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        "SELECT set_config('statement_timeout', '60s', true), set_config('lock_timeout', '5s', true), \
                set_config('idle_in_transaction_session_timeout', '60s', true)",
    ] {
        sqlx::query(setting).execute(connection.as_mut()).await.map_err(error::reading)?;
    }
    let catalog = Catalog::read(connection.as_mut(), config).await?;
    if catalog.tables.is_empty() {
        // Rights that were taken away look like this, too: a sweep would delete everything.
        return Err(ConnectorError::permanent(
            "No table can be synced: give the user the right to read some that have a primary key. What was synced stays.",
        ));
    }
    let run = Run { cx, config, catalog: &catalog, last: &last };
    let page = run.page(connection, cursor).await?;
    sqlx::query("ROLLBACK").execute(connection.as_mut()).await.map_err(error::reading)?;
    Ok(page)
}

/// Everything that one page is made from.
struct Run<'a> {
    cx: &'a Context,
    config: &'a Config,
    catalog: &'a Catalog,
    last: &'a State,
}

// === impl Run ===

impl Run<'_> {
    async fn page(
        &self,
        connection: &mut Connection,
        cursor: Option<Cursor>,
    ) -> Result<SyncPage, ConnectorError> {
        let cursor = match cursor {
            Some(cursor) => cursor,
            None => match self.begin(connection, None, State::default()).await? {
                Ok(cursor) => cursor,
                Err(finished) => return Ok(SyncPage::empty(finished)),
            },
        };
        let Some(table) = self.catalog.tables.iter().find(|t| t.full_name() == cursor.table) else {
            // Dropped meanwhile: its rows are swept.
            return Ok(SyncPage::empty(self.next_table(connection, &cursor, false).await?));
        };
        if table.cursor_column().map(|column| &column.name) != cursor.mark.column.as_ref() {
            let message = "the settings or the table changed in mid-run; start the sync again";
            return Err(ConnectorError::permanent(message));
        }
        let rows = self.scan(table, &cursor).read(connection.as_mut()).await?;
        let mut page = self.fill(table, &cursor, &rows);
        page.total = Some(cursor.total);
        let is_full = rows.len() >= self.config.page_size as usize;
        page.next = match rows.last() {
            Some(row) if is_full => Next::Continue(json!(Cursor {
                after: Some(row.key.clone()),
                after_value: row.cursor.clone(),
                ..cursor
            })),
            _ if cursor.phase == Phase::Changed => Next::Continue(json!(Cursor {
                phase: Phase::Keys,
                after: None,
                after_value: None,
                ..cursor
            })),
            _ => self.next_table(connection, &cursor, true).await?,
        };
        Ok(page)
    }

    /// Starts the first table after `after`; `Err` holds the end of the run if there is none.
    async fn begin(
        &self,
        connection: &mut Connection,
        after: Option<&str>,
        done: State,
    ) -> Result<Result<Cursor, Next>, ConnectorError> {
        // By position where possible: names sort by (schema, table), and a joined name would sort differently.
        let position = |name: &str| self.catalog.tables.iter().position(|t| t.full_name() == name);
        let next = match after {
            None => self.catalog.tables.first(),
            Some(after) => match position(after) {
                Some(index) => self.catalog.tables.get(index + 1),
                None => self.catalog.tables.iter().find(|table| {
                    let (schema, name) = after.split_once('.').unwrap_or((after, ""));
                    (table.schema.as_str(), table.name.as_str()) > (schema, name)
                }),
            },
        };
        let Some(table) = next else {
            let state = serde_json::to_value(done).map_err(|error| {
                ConnectorError::permanent_from("the state cannot be written", error)
            })?;
            return Ok(Err(Next::Finished { state: Some(state), sweep: true }));
        };
        let Bounds { cursor, snapshot } = rows::bounds(connection.as_mut(), table).await?;
        let column = table.cursor_column().map(|column| column.name.clone());
        let mark = Mark { column, cursor, snapshot, shape: shape(table) };
        let phase = match self.last_mark(table) {
            Some(_) if mark.cursor.is_some() => Phase::Changed,
            // Nothing is there to be read by cursor: walk the keys, if there are any.
            Some(_) => Phase::Keys,
            None => Phase::All,
        };
        let total = self.catalog.estimated_rows();
        let table = table.full_name();
        Ok(Ok(Cursor { table, phase, mark, after: None, after_value: None, done, total }))
    }

    async fn next_table(
        &self,
        connection: &mut Connection,
        cursor: &Cursor,
        is_done: bool,
    ) -> Result<Next, ConnectorError> {
        let mut done = cursor.done.clone();
        if is_done {
            done.tables.insert(cursor.table.clone(), cursor.mark.clone());
        }
        Ok(match self.begin(connection, Some(&cursor.table), done).await? {
            Ok(next) => Next::Continue(json!(next)),
            Err(finished) => finished,
        })
    }

    /// Where the last run left this table, if its columns and its cursor column are still the same.
    fn last_mark(&self, table: &Table) -> Option<(&Mark, &str)> {
        let mark = self.last.tables.get(&table.full_name())?;
        let same_cursor = mark.column.as_ref() == table.cursor_column().map(|column| &column.name);
        let same = same_cursor && mark.shape == shape(table);
        Some((mark, mark.cursor.as_deref()?)).filter(|_| same)
    }

    fn scan<'s>(&'s self, table: &'s Table, cursor: &'s Cursor) -> Scan<'s> {
        let last = self.last_mark(table);
        let by_cursor = match (cursor.phase, last, cursor.mark.cursor.as_deref()) {
            (Phase::Changed, Some((_, from)), Some(to)) => {
                Some(CursorRange { from, to, after: cursor.after_value.as_deref() })
            }
            _ => None,
        };
        let since = match (cursor.phase, last) {
            (Phase::Keys, Some((mark, _))) => Some(mark.snapshot.as_str()),
            _ => None,
        };
        Scan {
            table,
            page_size: self.config.page_size,
            after: cursor.after.as_deref(),
            by_cursor,
            since,
        }
    }

    fn fill(&self, table: &Table, cursor: &Cursor, rows: &[Row]) -> SyncPage {
        let mut page = SyncPage::empty(Next::Finished { state: None, sweep: false });
        for row in rows {
            if cursor.phase == Phase::Keys && !row.is_recent {
                let external_id = render::external_id(table, row);
                page.seen.push(DocumentKey { stream: STREAM.to_owned(), external_id });
            } else {
                page.upserts.push(render::document(self.cx, table, row));
            }
        }
        page
    }
}

/// A short name for the columns of a table.
fn shape(table: &Table) -> String {
    let columns: Vec<_> = table.columns.iter().map(|c| (&c.name, &c.sql_type)).collect();
    let digest = Sha256::digest(json!([columns, table.key]).to_string().as_bytes());
    hex::encode(digest).chars().take(16).collect()
}

fn stored<T: DeserializeOwned>(value: Option<Value>) -> Result<Option<T>, ConnectorError> {
    value.map(serde_json::from_value).transpose().map_err(|error| {
        ConnectorError::permanent_from("the stored position cannot be read", error)
    })
}
