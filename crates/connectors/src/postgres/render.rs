//! Rows as documents that people and models can read.

use connector_sdk::{Context, Document};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{STREAM, catalog::Table, rows::Row};

/// Columns that name a row, best first.
const TITLE_COLUMNS: &[&str] = &[
    "title",
    "name",
    "full_name",
    "display_name",
    "subject",
    "headline",
    "label",
    "summary",
    "email",
    "username",
    "slug",
    "code",
];
/// Longest title, in characters.
const MAX_TITLE: usize = 200;
/// Longest key in an external id, in bytes; longer ones are hashed.
const MAX_KEY: usize = 800;

/// The document of a row.
pub(super) fn document(cx: &Context, table: &Table, row: &Row) -> Document {
    let mut body = String::new();
    for (column, value) in table.columns.iter().zip(&row.values) {
        if let Some(value) = value {
            body.push_str(&column.name);
            body.push_str(": ");
            body.push_str(value);
            body.push('\n');
        }
    }
    let mut metadata = json!({"schema": table.schema, "table": table.name, "key": key(table, row)});
    if cx.cut_body(&mut body) {
        metadata["truncated"] = json!(true);
    }
    Document {
        stream: STREAM.to_owned(),
        external_id: external_id(table, row),
        title: title(table, row),
        body,
        mime_type: "text/plain".to_owned(),
        url: None,
        metadata,
        source_updated_at: row.updated_at,
    }
}

/// `schema.table/key`: stable as long as the key is.
pub(super) fn external_id(table: &Table, row: &Row) -> String {
    let key = match row.key.as_slice() {
        [single] => single.clone(),
        parts => json!(parts).to_string(),
    };
    let key = if key.len() > MAX_KEY || key.is_empty() {
        format!("sha256:{}", hex::encode(Sha256::digest(key.as_bytes())))
    } else {
        key
    };
    format!("{}/{key}", table.full_name())
}

fn key(table: &Table, row: &Row) -> Value {
    let fields: Map<String, Value> = table
        .key_columns()
        .zip(&row.key)
        .map(|(column, value)| (column.name.clone(), json!(value)))
        .collect();
    Value::Object(fields)
}

fn title(table: &Table, row: &Row) -> String {
    let value_of = |wanted: &&str| {
        let index = table.columns.iter().position(|c| c.name.eq_ignore_ascii_case(wanted))?;
        let line = one_line(row.values.get(index)?.as_deref()?);
        (!line.is_empty()).then_some(line)
    };
    let fallback = || one_line(&format!("{} {}", table.name, row.key.join(" ")));
    TITLE_COLUMNS.iter().find_map(value_of).unwrap_or_else(fallback)
}

fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(MAX_TITLE).collect()
}
