//! `files`: the documents of a folder that the operator allows, opened by capability so that no path leads out of it.

mod extract;
mod html;
mod root;
mod tools;
mod walk;

use std::{path::PathBuf, sync::LazyLock, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use connector_sdk::{
    CheckReport, Connector, ConnectorError, Context, Document, Manifest, Next, SyncPage,
    SyncSource, SyncStart, ToolSet,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use self::{
    extract::Extracted,
    root::Root,
    walk::{Found, Walk},
};

/// The connector.
pub(crate) struct Files;

static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| {
    serde_json::from_str(include_str!("manifest.json")).expect("the compiled-in manifest is valid")
});

/// The only stream.
const STREAM: &str = "files";
/// Most documents in a page.
const PAGE_FILES: usize = 100;
/// A page ends after the document with which its bodies exceed this many bytes.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Longest that reading and extracting one file may take: a page is far shorter than a job's lease.
const FILE_TIMEOUT: Duration = Duration::from_secs(30);

/// Settings, by the manifest's config schema.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    root: PathBuf,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default = "default_max_bytes")]
    max_bytes: u64,
}

/// Where a run is: the path of the last file that was looked at.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    after: String,
    total: u64,
}

const fn default_max_bytes() -> u64 {
    10 * 1024 * 1024
}

// === impl Files ===

#[async_trait]
impl Connector for Files {
    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    async fn check(&self, cx: &Context) -> Result<CheckReport, ConnectorError> {
        let mut report = CheckReport::new();
        match open(cx).await {
            Err(error @ ConnectorError::Config { .. }) => report.fail("Folder", error.to_string()),
            Err(error) => return Err(error),
            Ok(root) => {
                report.pass("Folder", "The folder can be opened.");
                match blocking(move || root.walk().count()).await? {
                    Ok(0) => report.fail("Files", "No file fits; look at `Only these files`."),
                    Ok(count) => report.pass("Files", format!("{count} files can be read.")),
                    Err(error) => report.fail("Files", read_problem(&error)),
                }
            }
        }
        Ok(report)
    }

    fn sync(&self) -> Option<&dyn SyncSource> {
        Some(self)
    }

    fn tools(&self) -> Option<&dyn ToolSet> {
        Some(self)
    }

    fn remote(&self, _config: &Value) -> Option<Result<Url, ConnectorError>> {
        None
    }
}

#[async_trait]
impl SyncSource for Files {
    async fn read_page(&self, cx: &Context, start: &SyncStart) -> Result<SyncPage, ConnectorError> {
        cx.check_cancelled()?;
        let root = open(cx).await?;
        let cursor = start.cursor.clone().map(serde_json::from_value::<Cursor>).transpose();
        let cursor = cursor.map_err(|error| {
            ConnectorError::permanent_from("the stored position cannot be read", error)
        })?;
        let after = cursor.as_ref().map(|cursor| cursor.after.clone());
        let total = match &cursor {
            Some(cursor) => cursor.total,
            None => count(&root).await?,
        };
        let walked = root.clone();
        let found = blocking(move || walked.walk().after(after.as_deref()).take(PAGE_FILES));
        let found = found.await?.map_err(|error| unreadable(&error))?;
        fill_page(cx, &root, found, total).await
    }
}

/// Extracts what was found, up to the size of a page.
async fn fill_page(
    cx: &Context,
    root: &Root,
    found: Vec<Found>,
    total: u64,
) -> Result<SyncPage, ConnectorError> {
    let is_last = found.len() < PAGE_FILES;
    let count = found.len();
    let finished = Next::Finished { state: None, sweep: true };
    let mut page = SyncPage { total: Some(total), ..SyncPage::empty(finished) };
    let mut bytes = 0;
    for (index, file) in found.into_iter().enumerate() {
        cx.check_cancelled()?;
        let path = file.path.clone();
        if let Some(document) = read_document(cx, root, file).await? {
            bytes += document.body.len();
            page.upserts.push(document);
        }
        let page_is_full = bytes >= PAGE_BYTES && index + 1 < count;
        if page_is_full || (index + 1 == count && !is_last) {
            page.next = Next::Continue(json!(Cursor { after: path, total }));
            break;
        }
    }
    Ok(page)
}

/// `None` for a file that holds no text, or that vanished meanwhile.
async fn read_document(
    cx: &Context,
    root: &Root,
    file: Found,
) -> Result<Option<Document>, ConnectorError> {
    let (reader, path) = (root.clone(), file.path.clone());
    let extracted = extract_within(cx, move || reader.read(&path)).await?;
    let Some(Extracted { title, text: mut body, mime_type }) = extracted else { return Ok(None) };
    let is_cut = cx.cut_body(&mut body);
    let mut metadata = json!({"path": file.path, "size": file.size, "modified": file.modified});
    if is_cut {
        metadata["truncated"] = json!(true);
    }
    Ok(Some(Document {
        stream: STREAM.to_owned(),
        external_id: file.path,
        title,
        body,
        mime_type,
        url: None,
        metadata,
        source_updated_at: file.modified,
    }))
}

/// Runs one extraction off the async threads, with a limit of time, stopping early when cancelled. A panic of a library and a
/// file that takes too long count as a file without text.
async fn extract_within(
    cx: &Context,
    read: impl FnOnce() -> std::io::Result<Option<Extracted>> + Send + 'static,
) -> Result<Option<Extracted>, ConnectorError> {
    let work = tokio::time::timeout(FILE_TIMEOUT, tokio::task::spawn_blocking(read));
    let outcome = tokio::select! {
        () = cx.cancel.cancelled() => return Err(ConnectorError::Cancelled),
        outcome = work => outcome,
    };
    match outcome {
        Ok(Ok(Ok(extracted))) => Ok(extracted),
        Ok(Ok(Err(error))) if walk::is_gone(&error) => Ok(None),
        Ok(Ok(Err(error))) => Err(unreadable(&error)),
        Ok(Err(panic)) => {
            tracing::warn!(error = %panic, "A file could not be read as text");
            Ok(None)
        }
        Err(_) => {
            tracing::warn!(limit_s = FILE_TIMEOUT.as_secs(), "A file took too long to read");
            Ok(None)
        }
    }
}

async fn count(root: &Root) -> Result<u64, ConnectorError> {
    let root = root.clone();
    blocking(move || root.walk().count()).await?.map_err(|error| unreadable(&error))
}

async fn open(cx: &Context) -> Result<Root, ConnectorError> {
    let config: Config = cx.config()?;
    let operator = cx.operator.clone();
    blocking(move || Root::open(&config, &operator.file_roots)).await?
}

/// File systems block: never on the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ConnectorError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ConnectorError::transient("reading the folder was interrupted", error))
}

/// A failing disk is no reason to delete what was synced from it: the run fails and is tried again.
fn unreadable(error: &std::io::Error) -> ConnectorError {
    ConnectorError::transient(read_problem(error), std::io::Error::from(error.kind()))
}

fn read_problem(error: &std::io::Error) -> String {
    format!("the folder cannot be read: {}", error.kind())
}

impl Found {
    fn modified_at(metadata: &cap_std::fs::Metadata) -> Option<DateTime<Utc>> {
        metadata.modified().ok().map(|time| DateTime::<Utc>::from(time.into_std()))
    }
}

impl Root {
    fn walk(&self) -> Walk<'_> {
        Walk::new(self)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use connector_sdk::OperatorPolicy;
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[tokio::test]
    async fn panic_of_a_library_counts_as_a_file_without_text() {
        let cx = Context {
            config: json!({}),
            credential: None,
            egress: egress::Egress::new(egress::Config::default()),
            operator: Arc::new(OperatorPolicy::default()),
            now: DateTime::UNIX_EPOCH,
            cancel: CancellationToken::new(),
        };
        let outcome = extract_within(&cx, || panic!("a library gave up")).await;
        assert_eq!(outcome.expect("no failure of the run"), None);
    }

    #[test]
    fn defaults_of_the_form_are_the_defaults_of_the_code() {
        let required = json!({"root": "/srv"});
        let mut filled = required.clone();
        for (name, property) in
            MANIFEST.config_schema["properties"].as_object().expect("properties")
        {
            if let Some(default) = property.get("default") {
                filled[name] = default.clone();
            }
        }
        let read = |config: &Value| {
            format!("{:?}", serde_json::from_value::<Config>(config.clone()).expect("settings"))
        };
        assert_eq!(read(&required), read(&filled));
    }
}
