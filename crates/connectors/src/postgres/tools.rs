//! The live tools. Each call has a connection and a read-only transaction of its own, which is always rolled back.

use async_trait::async_trait;
use connector_sdk::{ConnectorError, Context, ToolOutput, ToolSet};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use sqlx::{
    AssertSqlSafe, Column as _, Executor as _, PgConnection, Row as _, SqlSafeStr as _,
    Statement as _, TypeInfo as _, postgres::PgRow,
};

use super::{
    Config, MANIFEST, Postgres,
    catalog::quote,
    connect::Connection,
    error,
    guard::{Checked, Kind},
};

/// Rows fetched at once: bounds what a burst of wide rows can bring in.
const FETCH: usize = 25;
/// Largest row, in bytes of its JSON; larger ones never leave the server.
const MAX_ROW_BYTES: usize = 128 * 1024;
/// Largest answer, in bytes of the rows' JSON.
const MAX_ANSWER_BYTES: usize = 512 * 1024;
/// Limits of a call's transaction, in as few round trips as can be. Strings are read the standard way: what the parser took for a
/// string is one for the server.
const TRANSACTION: &[&str] = &[
    "BEGIN TRANSACTION READ ONLY",
    "SELECT set_config('statement_timeout', '15s', true), set_config('lock_timeout', '2s', true), \
            set_config('idle_in_transaction_session_timeout', '30s', true), \
            set_config('standard_conforming_strings', 'on', true), \
            set_config('backslash_quote', 'safe_encoding', true)",
];

#[derive(Deserialize)]
struct ListTables {
    schema: Option<String>,
}

#[derive(Deserialize)]
struct TableName {
    table: String,
    #[serde(default = "default_schema")]
    schema: String,
    #[serde(default = "default_sample")]
    limit: usize,
}

#[derive(Deserialize)]
struct Query {
    sql: String,
    limit: Option<usize>,
}

/// What came of a call inside the transaction.
type Outcome = Result<ToolOutput, Failure>;

/// Why a call failed: the database's answer to the caller's SQL, or anything else.
enum Failure {
    OfQuery(sqlx::Error),
    Other(ConnectorError),
}

fn default_schema() -> String {
    "public".to_owned()
}

const fn default_sample() -> usize {
    5
}

// === impl Postgres ===

#[async_trait]
impl ToolSet for Postgres {
    async fn call(
        &self,
        cx: &Context,
        tool: &str,
        arguments: &Value,
    ) -> Result<ToolOutput, ConnectorError> {
        MANIFEST.check_arguments(tool, arguments)?;
        cx.check_cancelled()?;
        let config: Config = cx.config()?;
        // Refused before a connection is made.
        let checked = match tool {
            "query" | "explain_query" => {
                let Query { sql, .. } = read(arguments)?;
                match Checked::new(&sql) {
                    Ok(checked) => Some(checked),
                    Err(refused) => return Ok(ToolOutput::error(format!("Not run: {refused}."))),
                }
            }
            _ => None,
        };
        let mut connection = Connection::open(cx, &config).await?;
        let outcome = tokio::select! {
            () = cx.cancel.cancelled() => return Err(ConnectorError::Cancelled),
            outcome = run(connection.as_mut(), &config, Call { tool, arguments, checked }) => outcome,
        };
        connection.close().await;
        match outcome {
            Ok(output) => Ok(output),
            Err(Failure::OfQuery(error)) => error::of_query(error),
            Err(Failure::Other(error)) => Err(error),
        }
    }
}

/// A checked call.
struct Call<'a> {
    tool: &'a str,
    arguments: &'a Value,
    /// The caller's own SQL, for the tools that take some.
    checked: Option<Checked>,
}

async fn run(connection: &mut PgConnection, config: &Config, call: Call<'_>) -> Outcome {
    for statement in TRANSACTION {
        sqlx::query(*statement).execute(&mut *connection).await.map_err(own)?;
    }
    let outcome = match (call.tool, call.checked) {
        ("query", Some(checked)) => {
            query(connection, config, &read(call.arguments)?, &checked).await
        }
        ("explain_query", Some(checked)) => explain(connection, &checked).await,
        ("list_schemas", _) => list_schemas(connection).await,
        ("list_tables", _) => list_tables(connection, config, read(call.arguments)?).await,
        ("describe_table", _) => describe_table(connection, &read(call.arguments)?).await,
        ("sample_rows", _) => sample_rows(connection, &read(call.arguments)?).await,
        (unknown, _) => Err(Failure::Other(ConnectorError::unknown_tool(unknown))),
    };
    // After a failed statement the transaction is dead already, and the connection is closed in any case.
    let ended = sqlx::query("ROLLBACK").execute(connection).await;
    if outcome.is_ok() {
        ended.map_err(own)?;
    }
    outcome
}

fn read<T: DeserializeOwned>(arguments: &Value) -> Result<T, ConnectorError> {
    serde_json::from_value(arguments.clone())
        .map_err(|error| ConnectorError::invalid_arguments(error.to_string()))
}

fn own(error: sqlx::Error) -> Failure {
    Failure::Other(error::reading(error))
}

async fn query(
    connection: &mut PgConnection,
    config: &Config,
    arguments: &Query,
    checked: &Checked,
) -> Outcome {
    let most = config.row_limit as usize;
    let limit = arguments.limit.map_or(most, |limit| limit.min(most));
    match checked.kind() {
        Kind::Rows => read_rows(connection, checked.sql(), limit).await,
        Kind::Text => read_text(connection, checked.sql()).await,
    }
}

async fn explain(connection: &mut PgConnection, checked: &Checked) -> Outcome {
    match checked.kind() {
        Kind::Rows => read_text(connection, &format!("EXPLAIN {}", checked.sql())).await,
        Kind::Text => Ok(ToolOutput::error("Not run: give the query itself, without EXPLAIN.")),
    }
}

/// Reads the rows of a statement through a cursor, so that no more of them leave the server than are answered.
async fn read_rows(connection: &mut PgConnection, sql: &str, limit: usize) -> Outcome {
    // Prepared first, alone: a wrong statement is told in the caller's own words and positions.
    let prepared = connection
        .prepare(AssertSqlSafe(sql.to_owned()).into_sql_str())
        .await
        .map_err(Failure::OfQuery)?;
    let columns: Vec<Value> = prepared
        .columns()
        .iter()
        .map(|column| json!({"name": column.name(), "type": column.type_info().name().to_lowercase()}))
        .collect();
    // Own names for the columns: two of a statement's may have the same.
    let names: Vec<String> = (0..columns.len()).map(|index| format!("c{index}")).collect();
    let aliases = if names.is_empty() { String::new() } else { format!("({})", names.join(", ")) };
    let declare = format!(
        "DECLARE patchbay_rows NO SCROLL CURSOR FOR \
         SELECT CASE WHEN octet_length(j) <= {MAX_ROW_BYTES} THEN j END FROM \
         (SELECT row_to_json(r)::text AS j FROM ({sql}) AS r{aliases}) AS wrapped"
    );
    sqlx::query(AssertSqlSafe(declare))
        .execute(&mut *connection)
        .await
        .map_err(Failure::OfQuery)?;
    let mut rows: Vec<Value> = Vec::new();
    let mut bytes = 0;
    let mut truncated = false;
    let mut left_out = 0;
    let fetch = format!("FETCH FORWARD {FETCH} FROM patchbay_rows");
    'fetching: loop {
        let fetched: Vec<Option<String>> = sqlx::query_scalar(AssertSqlSafe(fetch.clone()))
            .fetch_all(&mut *connection)
            .await
            .map_err(Failure::OfQuery)?;
        let is_last = fetched.len() < FETCH;
        for row in fetched {
            // Rows that are left out count, too: a query that makes nothing else must come to an end.
            if rows.len() + left_out == limit {
                truncated = true;
                break 'fetching;
            }
            let Some(row) = row else {
                left_out += 1;
                continue;
            };
            bytes += row.len();
            if bytes > MAX_ANSWER_BYTES {
                truncated = true;
                break 'fetching;
            }
            rows.push(in_order(&row, &names)?);
        }
        if is_last {
            break;
        }
    }
    Ok(answer(json!({
        "columns": columns, "row_count": rows.len(), "rows": rows,
        "truncated": truncated, "too_large_rows_left_out": left_out,
    })))
}

/// The values of a row in the order of the columns.
fn in_order(row: &str, names: &[String]) -> Result<Value, Failure> {
    let mut fields: Map<String, Value> = serde_json::from_str(row).map_err(|error| {
        Failure::Other(ConnectorError::permanent_from("a row is not readable", error))
    })?;
    Ok(names.iter().map(|name| fields.remove(name).unwrap_or_default()).collect())
}

/// Reads the few lines of `SHOW` and `EXPLAIN`.
async fn read_text(connection: &mut PgConnection, sql: &str) -> Outcome {
    let rows: Vec<PgRow> = sqlx::query(AssertSqlSafe(sql.to_owned()))
        .fetch_all(connection)
        .await
        .map_err(Failure::OfQuery)?;
    let mut text = String::new();
    for row in &rows {
        for index in 0..row.columns().len() {
            // Text, JSON and XML are the same bytes on the wire.
            let value: Option<String> = row.try_get_unchecked(index).map_err(own)?;
            if index > 0 {
                text.push('\t');
            }
            text.push_str(value.as_deref().unwrap_or("null"));
        }
        text.push('\n');
        if text.len() > MAX_ANSWER_BYTES {
            text.push_str("(cut off here)\n");
            break;
        }
    }
    Ok(ToolOutput::text(text))
}

async fn list_schemas(connection: &mut PgConnection) -> Outcome {
    let schemas = read_json(
        connection,
        "SELECT n.nspname AS name, obj_description(n.oid, 'pg_namespace') AS comment \
         FROM pg_catalog.pg_namespace n \
         WHERE has_schema_privilege(n.oid, 'USAGE') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
           AND $1::text[] IS NOT NULL \
         ORDER BY 1 LIMIT 500",
        &[],
    );
    Ok(answer(json!({"schemas": schemas.await?})))
}

async fn list_tables(
    connection: &mut PgConnection,
    config: &Config,
    arguments: ListTables,
) -> Outcome {
    let schemas = arguments.schema.map_or_else(|| config.schemas.clone(), |schema| vec![schema]);
    let tables = read_json(
        connection,
        "SELECT n.nspname AS schema, c.relname AS name, \
                CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind, \
                CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END AS estimated_rows, \
                obj_description(c.oid, 'pg_class') AS comment \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname = ANY($1) \
           AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT') \
         ORDER BY 1, 2 LIMIT 1000",
        &schemas,
    );
    Ok(answer(json!({"tables": tables.await?})))
}

async fn describe_table(connection: &mut PgConnection, arguments: &TableName) -> Outcome {
    let of = [arguments.schema.clone(), arguments.table.clone()];
    let columns = read_json(
        connection,
        "SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable, \
                pg_get_expr(d.adbin, d.adrelid) AS \"default\", col_description(c.oid, a.attnum) AS comment, \
                coalesce(a.attnum = ANY(i.indkey::int2[]), false) AS primary_key \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
         LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary \
         WHERE n.nspname = ($1::text[])[1] AND c.relname = ($1::text[])[2] AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
           AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT') \
         ORDER BY a.attnum",
        &of,
    )
    .await?;
    if columns.as_array().is_none_or(Vec::is_empty) {
        let TableName { schema, table, .. } = arguments;
        return Ok(ToolOutput::error(format!(
            "There is no table {schema}.{table} that the connection may read. `list_tables` shows what there is."
        )));
    }
    let foreign_keys = read_json(
        connection,
        "SELECT k.conname AS name, pg_get_constraintdef(k.oid) AS definition \
         FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE k.contype = 'f' AND n.nspname = ($1::text[])[1] AND c.relname = ($1::text[])[2] ORDER BY 1",
        &of,
    )
    .await?;
    Ok(answer(json!({
        "schema": arguments.schema, "table": arguments.table,
        "columns": columns, "foreign_keys": foreign_keys,
    })))
}

async fn sample_rows(connection: &mut PgConnection, arguments: &TableName) -> Outcome {
    let sql = format!("SELECT * FROM {}.{}", quote(&arguments.schema), quote(&arguments.table));
    read_rows(connection, &sql, arguments.limit).await
}

/// The rows of one of our own statements as a JSON array. `of` is its only parameter.
async fn read_json(
    connection: &mut PgConnection,
    sql: &'static str,
    of: &[String],
) -> Result<Value, Failure> {
    let wrapped = format!("SELECT coalesce(json_agg(x), '[]')::text FROM ({sql}) AS x");
    let text: String = sqlx::query_scalar(AssertSqlSafe(wrapped))
        .bind(of)
        .fetch_one(connection)
        .await
        .map_err(own)?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::Other(ConnectorError::permanent_from("the catalog is not readable", error))
    })
}

fn answer(structured: Value) -> ToolOutput {
    ToolOutput::structured(structured.to_string(), structured)
}

// === impl Failure ===

impl From<ConnectorError> for Failure {
    fn from(error: ConnectorError) -> Self {
        Self::Other(error)
    }
}
