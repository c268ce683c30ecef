//! A connector's page made fit for storing: one record per key, a hash of the content.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use connector_sdk::{Document, DocumentKey, SyncPage};
use domain::RecordId;
use sha2::{Digest, Sha256};
use store::{NewRecord, RecordKey};

/// What one page changes.
pub(crate) struct PageChange {
    pub(crate) upserts: Vec<NewRecord>,
    pub(crate) deletes: Vec<RecordKey>,
    pub(crate) seen: Vec<RecordKey>,
}

// === impl PageChange ===

impl PageChange {
    /// Takes the content of a page over. A key that is given twice counts as its last word; a key both written and deleted is written.
    pub(crate) fn of(page: &mut SyncPage, now: DateTime<Utc>) -> Self {
        let mut by_key: HashMap<DocumentKey, NewRecord> = HashMap::new();
        let mut order = Vec::new();
        for document in std::mem::take(&mut page.upserts) {
            let key = document.key();
            if by_key.insert(key.clone(), record(document, now)).is_none() {
                order.push(key);
            }
        }
        let written = |key: &DocumentKey| by_key.contains_key(key);
        let deletes = keys(&mut page.deletes, |key| !written(key));
        let seen = keys(&mut page.seen, |key| !written(key));
        let upserts = order.iter().filter_map(|key| by_key.remove(key)).collect();
        Self { upserts, deletes, seen }
    }
}

fn keys(given: &mut Vec<DocumentKey>, keep: impl Fn(&DocumentKey) -> bool) -> Vec<RecordKey> {
    let mut keys: Vec<_> = std::mem::take(given).into_iter().filter(|key| keep(key)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
        .map(|key| RecordKey { stream: key.stream, external_id: key.external_id })
        .collect()
}

fn record(document: Document, now: DateTime<Utc>) -> NewRecord {
    let parts = [
        document.title.as_str(),
        document.body.as_str(),
        document.mime_type.as_str(),
        document.url.as_deref().unwrap_or_default(),
        &document.metadata.to_string(),
    ];
    let content_hash = content_hash(parts.map(str::as_bytes));
    NewRecord {
        id: RecordId::generate(),
        stream: document.stream,
        external_id: document.external_id,
        title: document.title,
        body: document.body,
        mime_type: document.mime_type,
        url: document.url,
        metadata: document.metadata,
        content_hash,
        source_updated_at: document.source_updated_at,
        synced_at: now,
    }
}

/// Each part is preceded by its length, so that text cannot move from one part to the next unnoticed.
fn content_hash(parts: [&[u8]; 5]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use connector_sdk::Next;
    use serde_json::json;

    use super::*;

    fn document(id: &str, body: &str) -> Document {
        Document {
            stream: "pages".to_owned(),
            external_id: id.to_owned(),
            title: "A page".to_owned(),
            body: body.to_owned(),
            mime_type: "text/plain".to_owned(),
            url: None,
            metadata: json!({ "by": "someone" }),
            source_updated_at: None,
        }
    }

    fn change(upserts: Vec<Document>, deletes: Vec<DocumentKey>) -> PageChange {
        let next = Next::Finished { state: None, sweep: false };
        let mut page = SyncPage { upserts, deletes, ..SyncPage::empty(next) };
        PageChange::of(&mut page, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn last_word_on_a_key_counts_and_a_written_key_is_not_deleted() {
        let documents = vec![document("a", "old"), document("b", "other"), document("a", "new")];
        let gone = vec![document("a", "").key(), document("c", "").key()];
        let change = change(documents, gone);
        let written: Vec<_> =
            change.upserts.iter().map(|it| (it.external_id.as_str(), it.body.as_str())).collect();
        assert_eq!(written, [("a", "new"), ("b", "other")]);
        let deleted: Vec<_> = change.deletes.iter().map(|key| key.external_id.as_str()).collect();
        assert_eq!(deleted, ["c"]);
    }

    #[test]
    fn hash_tells_apart_where_text_stands() {
        let one = content_hash([b"ab", b"c", b"", b"", b""]);
        let other = content_hash([b"a", b"bc", b"", b"", b""]);
        assert_ne!(one, other);
    }
}
