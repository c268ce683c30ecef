//! `list_files` and `read_file`: confined exactly like the sync.

use std::{io, path::Path};

use async_trait::async_trait;
use connector_sdk::{ConnectorError, Context, ToolOutput, ToolSet};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Files, Found, MANIFEST, blocking, extract_within, open,
    root::{Root, is_skipped},
    unreadable, walk,
};

#[derive(Deserialize)]
struct ListFiles {
    #[serde(default)]
    path: String,
    after: Option<String>,
    #[serde(default = "default_entries")]
    limit: usize,
}

#[derive(Deserialize)]
struct ReadFile {
    path: String,
    #[serde(default)]
    offset: usize,
    #[serde(default = "default_bytes")]
    limit: usize,
}

const fn default_entries() -> usize {
    100
}

const fn default_bytes() -> usize {
    65_536
}

// === impl Files ===

#[async_trait]
impl ToolSet for Files {
    async fn call(
        &self,
        cx: &Context,
        tool: &str,
        arguments: &Value,
    ) -> Result<ToolOutput, ConnectorError> {
        MANIFEST.check_arguments(tool, arguments)?;
        cx.check_cancelled()?;
        match tool {
            "list_files" => list_files(cx, read_arguments(arguments)?).await,
            "read_file" => read_file(cx, read_arguments(arguments)?).await,
            _ => Err(ConnectorError::unknown_tool(tool)),
        }
    }
}

fn read_arguments<T: serde::de::DeserializeOwned>(arguments: &Value) -> Result<T, ConnectorError> {
    serde_json::from_value(arguments.clone())
        .map_err(|error| ConnectorError::invalid_arguments(error.to_string()))
}

async fn list_files(cx: &Context, arguments: ListFiles) -> Result<ToolOutput, ConnectorError> {
    let root = open(cx).await?;
    let path = inner_path(&arguments.path)?;
    let folder = path.clone();
    let listed = blocking(move || list(&root, &folder)).await?;
    let entries = match listed {
        Ok(entries) => entries,
        Err(error) if is_refused(&error) => return Ok(no_such("folder", &path)),
        Err(error) => return Err(unreadable(&error)),
    };
    let after = arguments.after.unwrap_or_default();
    let name_of = |entry: &Value| entry["name"].as_str().unwrap_or_default().to_owned();
    let mut shown: Vec<Value> =
        entries.into_iter().filter(|entry| name_of(entry) > after).collect();
    let has_more = shown.len() > arguments.limit;
    shown.truncate(arguments.limit);
    let next_after = shown.last().filter(|_| has_more).map(name_of);
    let mut lines: Vec<String> = shown.iter().map(line).collect();
    if lines.is_empty() {
        lines.push("(nothing here)".to_owned());
    }
    if let Some(next) = &next_after {
        lines.push(format!("(more: call again with after = {next:?})"));
    }
    let structured = json!({"path": path, "entries": shown, "next_after": next_after});
    Ok(ToolOutput::structured(lines.join("\n"), structured))
}

fn list(root: &Root, folder: &str) -> io::Result<Vec<Value>> {
    let opened;
    let dir = if folder.is_empty() {
        root.dir()
    } else {
        opened = root.dir().open_dir(folder)?;
        &opened
    };
    let mut entries = Vec::new();
    for entry in walk::entries(dir)? {
        let path =
            if folder.is_empty() { entry.name.clone() } else { format!("{folder}/{}", entry.name) };
        let modified = Found::modified_at(&entry.metadata);
        if entry.metadata.is_dir() {
            entries.push(json!({"name": entry.name, "path": path, "kind": "folder"}));
        } else if root.takes_size(&entry.metadata) && root.takes(&path) {
            let size = entry.metadata.len();
            entries.push(json!({"name": entry.name, "path": path, "kind": "file",
                                "size": size, "modified": modified}));
        }
    }
    Ok(entries)
}

fn line(entry: &Value) -> String {
    let path = entry["path"].as_str().unwrap_or_default();
    match entry["size"].as_u64() {
        Some(size) => format!("{path} ({size} bytes)"),
        None => format!("{path}/"),
    }
}

async fn read_file(cx: &Context, arguments: ReadFile) -> Result<ToolOutput, ConnectorError> {
    let root = open(cx).await?;
    let path = inner_path(&arguments.path)?;
    let wanted = path.clone();
    let read = move || match root.read(&wanted) {
        Err(error) if is_refused(&error) => Ok(None),
        other => other,
    };
    let Some(extracted) = extract_within(cx, read).await? else {
        return Ok(no_such("readable file", &path));
    };
    let text = &extracted.text;
    let start = text.floor_char_boundary(arguments.offset);
    let mut end = text.floor_char_boundary(start.saturating_add(arguments.limit));
    if end == start && start < text.len() {
        // A limit below the width of the character there would never get on.
        end = text.ceil_char_boundary(start + 1);
    }
    let part = text.get(start..end).unwrap_or_default();
    let next_offset = (end < text.len()).then_some(end);
    let structured = json!({
        "path": path, "title": extracted.title, "mime_type": extracted.mime_type, "text": part,
        "offset": start, "next_offset": next_offset, "total_bytes": text.len(),
    });
    Ok(ToolOutput::structured(part, structured))
}

/// A path as the caller may write it, `/` and `.` at the ends tolerated. Anything that would leave the folder, and anything that
/// the sync leaves out, is answered like a path that does not exist.
fn inner_path(path: &str) -> Result<String, ConnectorError> {
    let leaves = Path::new(path).is_absolute() || path.split('/').any(|part| part == "..");
    if leaves {
        return Err(ConnectorError::invalid_arguments(
            "path: paths are relative to the installed folder and stay inside it",
        ));
    }
    let parts: Vec<&str> =
        path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if path.contains('\0') || parts.iter().any(|part| is_skipped(part)) {
        return Err(ConnectorError::invalid_arguments(format!("path: there is no `{path}`")));
    }
    Ok(parts.join("/"))
}

/// The kinds of failure that mean: not there for you. A link that leads out is one of them, and does not tell what it leads to.
fn is_refused(error: &io::Error) -> bool {
    walk::is_gone(error)
        || matches!(
            error.kind(),
            io::ErrorKind::NotADirectory
                | io::ErrorKind::IsADirectory
                | io::ErrorKind::InvalidInput
        )
}

fn no_such(what: &str, path: &str) -> ToolOutput {
    ToolOutput::error(format!("There is no {what} `{path}`. `list_files` shows what there is."))
}
