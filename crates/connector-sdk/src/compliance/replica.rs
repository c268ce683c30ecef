//! What the core makes of pages, in memory: the ground on which runs are compared.

use std::collections::BTreeMap;

use crate::{Document, DocumentKey, Next, SyncPage};

/// The documents of one install, with the generation that last touched each.
#[derive(Debug, Clone, Default)]
pub struct Replica {
    documents: BTreeMap<DocumentKey, (u32, Document)>,
    generation: u32,
}

// === impl Replica ===

impl Replica {
    /// Starts a run: what it does not touch may be swept at its end.
    pub fn begin_run(&mut self) {
        self.generation += 1;
    }

    /// Applies a page, as the core does in one transaction.
    pub fn apply(&mut self, page: &SyncPage) {
        for document in &page.upserts {
            self.documents.insert(document.key(), (self.generation, document.clone()));
        }
        for key in &page.seen {
            if let Some((generation, _)) = self.documents.get_mut(key) {
                *generation = self.generation;
            }
        }
        for key in &page.deletes {
            self.documents.remove(key);
        }
        if let Next::Finished { sweep: true, .. } = page.next {
            let current = self.generation;
            self.documents.retain(|_, (generation, _)| *generation == current);
        }
    }

    /// The documents in key order.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.documents.values().map(|(_, document)| document)
    }

    /// A document by its key.
    pub fn get(&self, stream: &str, external_id: &str) -> Option<&Document> {
        let key = DocumentKey { stream: stream.to_owned(), external_id: external_id.to_owned() };
        self.documents.get(&key).map(|(_, document)| document)
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Whether both hold the same documents, whenever they were touched.
    pub fn same_documents(&self, other: &Self) -> bool {
        self.documents().eq(other.documents())
    }
}
