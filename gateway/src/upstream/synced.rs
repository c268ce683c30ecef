//! What was synced, as the tools `search` and `fetch` (in the shape that deep-research clients expect) and as resources.

use std::sync::LazyLock;

use control::{SearchRecords, ToolEffect};
use domain::{PageArgs, Record, RecordHit, RecordId, page::MAX_PAGE, route::RouteInstall};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

use super::{
    Upstream, cursor,
    native::{arguments, explain},
    tool_answer,
};
use crate::{
    call::{Identified, Outcome, Routed},
    error::Refusal,
    layer::permit::may_read,
    mcp::{cursor::Cursor, merge::OfferedTool, reply::tool_error},
};

/// Names of the built-in tools. No install's tool has such a name: those all hold `__`.
pub(crate) const SEARCH: &str = "search";
pub(crate) const FETCH: &str = "fetch";

const SCHEME: &str = "patchbay://";
/// What RFC 3986 section 2.3 leaves as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const DEFAULT_LIMIT: u64 = 10;
const MAX_LIMIT: u64 = 50;
const RESOURCES_PER_PAGE: u32 = MAX_PAGE;

/// The built-in tools as they are listed.
pub(super) fn tools() -> &'static [OfferedTool] {
    static TOOLS: LazyLock<[OfferedTool; 2]> = LazyLock::new(|| {
        [(SEARCH, search_definition()), (FETCH, fetch_definition())].map(|(name, json)| {
            OfferedTool {
                name: name.to_owned(),
                own_name: name.to_owned(),
                json: json.to_string().into(),
                cache_ttl_seconds: None,
                effect: ToolEffect::ReadOnly,
            }
        })
    });
    TOOLS.as_slice()
}

fn search_definition() -> Value {
    json!({
        "name": SEARCH,
        "title": "Search everything that is synced",
        "description": "Full-text search over the documents of all synced sources of this organisation. Gives the best matches with a piece of their text; `fetch` gives a whole document by its id.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "query": {"type": "string", "minLength": 1, "maxLength": 1000, "description": "Words to look for."},
                "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT, "description": "How many matches at most."}
            },
            "required": ["query"],
            "additionalProperties": false
        },
        "outputSchema": {
            "type": "object",
            "properties": {"results": {"type": "array", "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"}, "title": {"type": "string"},
                    "url": {"type": "string"}, "text": {"type": "string"}
                },
                "required": ["id", "title", "url", "text"]
            }}},
            "required": ["results"]
        },
        "annotations": {"readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false}
    })
}

fn fetch_definition() -> Value {
    json!({
        "name": FETCH,
        "title": "Read a synced document",
        "description": "Gives the whole text of a document that `search` has found.",
        "inputSchema": {
            "type": "object",
            "properties": {"id": {"type": "string", "description": "The `id` of a match of `search`."}},
            "required": ["id"],
            "additionalProperties": false
        },
        "outputSchema": {
            "type": "object",
            "properties": {
                "id": {"type": "string"}, "title": {"type": "string"}, "text": {"type": "string"},
                "url": {"type": "string"}, "metadata": {"type": "object"}
            },
            "required": ["id", "title", "text", "url"]
        },
        "annotations": {"readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false}
    })
}

// === impl Upstream ===

impl Upstream {
    pub(super) async fn search(&self, identified: &Identified<Routed>) -> Outcome {
        let arguments = arguments(identified).unwrap_or_default();
        let query = arguments.get("query").and_then(Value::as_str).unwrap_or_default();
        if query.trim().is_empty() {
            return Ok(tool_answer(
                identified,
                tool_error("`query` is missing: give words to look for."),
            ));
        }
        let limit = match arguments.get("limit").map(Value::as_u64) {
            None => DEFAULT_LIMIT,
            Some(Some(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => {
                let message = format!("`limit` must be a number from 1 to {MAX_LIMIT}.");
                return Ok(tool_answer(identified, tool_error(&message)));
            }
        };
        let search = SearchRecords {
            query: query.to_owned(),
            install: None,
            first: u32::try_from(limit).unwrap_or(MAX_PAGE),
        };
        let hits = match self.control.search_records(&identified.caller.ctx, search).await {
            Ok(hits) => hits,
            Err(error) => {
                let message = explain(error, "The search", SEARCH)?;
                return Ok(tool_answer(identified, tool_error(&message)));
            }
        };
        let results: Vec<Value> =
            hits.iter().filter_map(|hit| described_hit(identified, hit)).collect();
        Ok(tool_answer(identified, structured(&json!({"results": results}))))
    }

    pub(super) async fn fetch(&self, identified: &Identified<Routed>) -> Outcome {
        let arguments = arguments(identified).unwrap_or_default();
        let id = arguments.get("id").and_then(Value::as_str).unwrap_or_default();
        let found = match id.parse::<RecordId>() {
            Ok(id) => self.control.lookup_record(&identified.caller.ctx, id).await,
            Err(_) => Err(control::Error::NotFound),
        };
        let value = match found {
            Ok(record) => match readable(identified, &record) {
                Some(install) => structured(&described(install, &record)),
                None => no_document(),
            },
            Err(control::Error::NotFound | control::Error::Denied(_)) => no_document(),
            Err(error) => tool_error(&explain(error, "The document", FETCH)?),
        };
        Ok(tool_answer(identified, value))
    }

    pub(super) async fn list_resources(&self, identified: &Identified<Routed>) -> Outcome {
        let after = cursor(identified).map(Cursor::of_records).transpose();
        let page =
            PageArgs { first: RESOURCES_PER_PAGE, after: after.map_err(|_| Refusal::BadCursor)? };
        let page = match self.control.list_records(&identified.caller.ctx, None, page).await {
            Ok(page) => page,
            Err(control::Error::Denied(_) | control::Error::NotFound) => {
                return Ok(self.own(identified, json!({"resources": []})));
            }
            Err(control::Error::Invalid { .. }) => return Err(Refusal::BadCursor),
            Err(error) => return Err(error.into()),
        };
        let next = page
            .items
            .last()
            .filter(|_| page.has_next)
            .map(|(position, _)| Cursor::Records { after: position.clone() }.encode());
        let resources: Vec<Value> = page
            .into_items()
            .filter_map(|record| {
                readable(identified, &record).map(|install| resource(install, &record))
            })
            .collect();
        let mut value = json!({"resources": resources});
        if let Some(next) = next {
            value["nextCursor"] = next.into();
        }
        Ok(self.own(identified, value))
    }

    pub(super) async fn read_resource(
        &self,
        identified: &Identified<Routed>,
        install: usize,
        stream: &str,
        external_id: &str,
    ) -> Outcome {
        let uri = identified.call.call.params().and_then(|params| params.uri.clone());
        let unknown = || Refusal::UnknownResource { uri: uri.clone().unwrap_or_default() };
        let install = identified.install(install).ok_or_else(unknown)?;
        let found =
            self.control.find_record(&identified.caller.ctx, install.id, stream, external_id).await;
        let record = found.map_err(|error| match error {
            control::Error::NotFound | control::Error::Denied(_) => unknown(),
            other => other.into(),
        })?;
        let value = json!({"contents": [{
            "uri": uri,
            "mimeType": record.mime_type,
            "text": record.body,
        }]});
        Ok(self.own(identified, value))
    }
}

/// The one template: how the address of a document is made.
pub(super) fn templates(identified: &Identified<Routed>) -> Value {
    let aliases: Vec<&str> = identified
        .routes
        .snapshot
        .installs
        .iter()
        .filter(|install| may_read(&identified.caller, install))
        .map(|install| install.alias.as_str())
        .collect();
    if aliases.is_empty() {
        return json!({"resourceTemplates": []});
    }
    json!({"resourceTemplates": [{
        "uriTemplate": "patchbay://{source}/{stream}/{id}",
        "name": "document",
        "title": "A synced document",
        "description": format!(
            "A document of a synced source by the name that the source gives it. Sources: {}.",
            aliases.join(", ")
        ),
    }]})
}

/// The address of a record.
fn uri(install: &RouteInstall, record: &Record) -> String {
    format!(
        "{SCHEME}{}/{}/{}",
        install.alias,
        utf8_percent_encode(&record.stream, RESERVED),
        utf8_percent_encode(&record.external_id, RESERVED)
    )
}

/// Alias, stream and external id of an address.
pub(crate) fn parse_uri(uri: &str) -> Option<(&str, String, String)> {
    let mut parts = uri.strip_prefix(SCHEME)?.splitn(3, '/');
    let alias = parts.next()?;
    let mut decoded = || -> Option<String> {
        let part = percent_decode_str(parts.next()?).decode_utf8().ok()?;
        (!part.is_empty()).then(|| part.into_owned())
    };
    Some((alias, decoded()?, decoded()?))
}

/// The install of a record, if the caller may read its records.
fn readable<'a>(identified: &'a Identified<Routed>, record: &Record) -> Option<&'a RouteInstall> {
    let install = identified.routes.install(record.install)?;
    let permits = &identified.caller.permits;
    permits.record(install, &record.stream, &record.external_id).then_some(install)
}

fn described_hit(identified: &Identified<Routed>, hit: &RecordHit) -> Option<Value> {
    let install = readable(identified, &hit.record)?;
    Some(json!({
        "id": hit.record.id,
        "title": hit.record.title,
        "url": link(install, &hit.record),
        "text": hit.snippet,
    }))
}

fn described(install: &RouteInstall, record: &Record) -> Value {
    let mut metadata = json!({
        "source": install.display_name,
        "stream": record.stream,
        "mime_type": record.mime_type,
        "synced_at": record.synced_at,
        "resource": uri(install, record),
    });
    if let Some(updated) = record.source_updated_at {
        metadata["updated_at"] = json!(updated);
    }
    json!({
        "id": record.id,
        "title": record.title,
        "text": record.body,
        "url": link(install, record),
        "metadata": metadata,
    })
}

/// Where a person looks at the original, or our own address of it.
fn link(install: &RouteInstall, record: &Record) -> String {
    record.url.clone().unwrap_or_else(|| uri(install, record))
}

fn resource(install: &RouteInstall, record: &Record) -> Value {
    json!({
        "uri": uri(install, record),
        "name": record.external_id,
        "title": record.title,
        "mimeType": record.mime_type,
        "size": record.body.len(),
        "description": format!("{} from {}", record.stream, install.display_name),
    })
}

/// A result that programs read as data and models as text.
fn structured(value: &Value) -> Value {
    json!({"content": [{"type": "text", "text": value.to_string()}], "structuredContent": value})
}

fn no_document() -> Value {
    tool_error("There is no document with this id: use one that `search` has given.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_back() {
        let encoded = utf8_percent_encode("a b/ü.md", RESERVED).to_string();
        assert_eq!(
            parse_uri(&format!("patchbay://docs/files/{encoded}")),
            Some(("docs", "files".to_owned(), "a b/ü.md".to_owned()))
        );
        for text in ["patchbay://docs", "patchbay://docs/files/", "http://docs/a/b", "patchbay://"]
        {
            assert_eq!(parse_uri(text), None, "{text}");
        }
    }
}
