//! Synced documents: written in pages by a run, swept at its end, found by full text.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use domain::{
    Granted, InstallId, Page, PageArgs, Record, RecordHit, RecordId, RunId, TenantId,
    authz::permission::{RecordRead, RecordWrite},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, Order, PaginatorTrait, QueryFilter,
    QuerySelect,
    sea_query::{Expr, OnConflict, SimpleExpr},
};
use serde_json::Value;
use uuid::Uuid;

use crate::{Error, Tx, entity::record, full_text, page, scoped::TenantOwned, text, time::kept};

/// Rows of one statement: 15 parameters each, well below the 32 766 that SQLite takes.
const CHUNK: usize = 200;

/// Synced documents of the transaction's tenant.
pub struct Records<'t> {
    tx: &'t Tx,
}

/// A document as a sync has read it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRecord {
    /// Used if the document is new; a known one keeps its own.
    pub id: RecordId,
    pub stream: String,
    /// The source's own name of it: unique per install and stream.
    pub external_id: String,
    pub title: String,
    pub body: String,
    pub mime_type: String,
    pub url: Option<String>,
    pub metadata: Value,
    /// A document with the hash that is stored is not written again.
    pub content_hash: String,
    pub source_updated_at: Option<DateTime<Utc>>,
    pub synced_at: DateTime<Utc>,
}

/// The source's own name of a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey {
    pub stream: String,
    pub external_id: String,
}

/// What writing a page came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub inserted: i64,
    pub updated: i64,
    /// Were there already, with the same content.
    pub unchanged: i64,
}

/// What to search for.
#[derive(Debug, Clone)]
pub struct SearchFilter {
    /// As it was typed: every word must occur, words in quotes together, the last one may be the beginning of a word.
    pub query: String,
    /// `Some` searches only these.
    pub installs: Option<Vec<InstallId>>,
    pub limit: u32,
}

/// A stored record as far as an upsert has to know it.
struct Known {
    id: Uuid,
    content_hash: String,
}

// === impl Counts ===

impl Counts {
    /// Documents whose content was written.
    pub const fn written(self) -> i64 {
        self.inserted + self.updated
    }
}

// === impl Records ===

impl<'t> Records<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// Writes a page of a run. Of a document that has not changed only the generation is written: that the run saw it.
    /// Of several with the same key the last one counts.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the install is gone.
    pub async fn upsert_page(
        &self,
        granted: &Granted<RecordWrite>,
        install: InstallId,
        run: RunId,
        page: &[NewRecord],
    ) -> Result<Counts, Error> {
        let mut counts = Counts::default();
        let last: BTreeMap<RecordKey, &NewRecord> =
            page.iter().map(|new| (new.key(), new)).collect();
        let last: Vec<(RecordKey, &NewRecord)> = last.into_iter().collect();
        for chunk in last.chunks(CHUNK) {
            let some = self.upsert_chunk(granted, install, run, chunk).await?;
            counts.inserted += some.inserted;
            counts.updated += some.updated;
            counts.unchanged += some.unchanged;
        }
        self.tx.installs().count_records(granted, install, counts.inserted).await?;
        Ok(counts)
    }

    /// Notes that a run has seen these documents, unchanged. Those that are not stored are left out of the count.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn touch(
        &self,
        granted: &Granted<RecordWrite>,
        install: InstallId,
        run: RunId,
        keys: &[RecordKey],
    ) -> Result<i64, Error> {
        let connection = self.tx.writing(granted)?;
        let mut touched = 0;
        for chunk in keys.chunks(CHUNK) {
            let update = record::Entity::scoped_update(granted)
                .filter(record::Column::InstallId.eq(install.uuid()))
                .filter(any_of(chunk.iter()))
                .col_expr(record::Column::Generation, Expr::value(run.uuid()));
            touched += signed(update.exec(connection).await?.rows_affected);
        }
        Ok(touched)
    }

    /// Removes these documents. Those that are not stored are left out of the count.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn remove(
        &self,
        granted: &Granted<RecordWrite>,
        install: InstallId,
        keys: &[RecordKey],
    ) -> Result<i64, Error> {
        let connection = self.tx.writing(granted)?;
        let mut removed = 0;
        for chunk in keys.chunks(CHUNK) {
            let delete = record::Entity::scoped_delete(granted)
                .filter(record::Column::InstallId.eq(install.uuid()))
                .filter(any_of(chunk.iter()));
            removed += signed(delete.exec(connection).await?.rows_affected);
        }
        self.tx.installs().count_records(granted, install, -removed).await?;
        Ok(removed)
    }

    /// Removes every document of an install that a run has neither written nor seen. Gives how many there were.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn sweep(
        &self,
        granted: &Granted<RecordWrite>,
        install: InstallId,
        run: RunId,
    ) -> Result<i64, Error> {
        let connection = self.tx.writing(granted)?;
        let delete = record::Entity::scoped_delete(granted)
            .filter(record::Column::InstallId.eq(install.uuid()))
            .filter(record::Column::Generation.ne(run.uuid()));
        let removed = signed(delete.exec(connection).await?.rows_affected);
        self.tx.installs().count_records(granted, install, -removed).await?;
        Ok(removed)
    }

    /// Finds documents by their words, best first. No query is an error; one without words finds nothing.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn search(
        &self,
        granted: &Granted<RecordRead>,
        filter: SearchFilter,
    ) -> Result<Vec<RecordHit>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = full_text::Query::parse(&filter.query);
        let found = full_text::search(connection, granted, &query, &filter).await?;
        let ids = found.iter().map(|(id, _)| *id);
        let rows = record::Entity::scoped(granted).filter(record::Column::Id.is_in(ids));
        let mut rows: HashMap<Uuid, record::Model> =
            rows.all(connection).await?.into_iter().map(|row| (row.id, row)).collect();
        let hit = |(id, score)| {
            let row = rows.remove(&id)?;
            let snippet = query.snippet(&row.body);
            Some(RecordHit { record: row.into(), score, snippet })
        };
        Ok(found.into_iter().filter_map(hit).collect())
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<RecordRead>,
        id: RecordId,
    ) -> Result<Record, Error> {
        let connection = self.tx.reading(granted)?;
        let query = record::Entity::scoped(granted).filter(record::Column::Id.eq(id.uuid()));
        query.one(connection).await?.map(Record::from).ok_or(Error::NotFound)
    }

    /// The one that the source calls so.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find(
        &self,
        granted: &Granted<RecordRead>,
        install: InstallId,
        stream: &str,
        external_id: &str,
    ) -> Result<Option<Record>, Error> {
        let connection = self.tx.reading(granted)?;
        if !text::is_storable(stream) || !text::is_storable(external_id) {
            return Ok(None);
        }
        let query = record::Entity::scoped(granted)
            .filter(record::Column::InstallId.eq(install.uuid()))
            .filter(record::Column::Stream.eq(stream))
            .filter(record::Column::ExternalId.eq(external_id));
        Ok(query.one(connection).await?.map(Record::from))
    }

    /// A page of the records of these installs, oldest first.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<RecordRead>,
        installs: &[InstallId],
        args: &PageArgs,
    ) -> Result<Page<Record>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = record::Entity::scoped(granted).filter(within(installs));
        let rows = page::read(query, record::Column::Id, Order::Asc, args, connection).await?;
        Ok(rows.map(Record::from))
    }

    /// How many records these installs have.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn count(
        &self,
        granted: &Granted<RecordRead>,
        installs: &[InstallId],
    ) -> Result<u64, Error> {
        let connection = self.tx.reading(granted)?;
        Ok(record::Entity::scoped(granted).filter(within(installs)).count(connection).await?)
    }

    async fn upsert_chunk(
        &self,
        granted: &Granted<RecordWrite>,
        install: InstallId,
        run: RunId,
        chunk: &[(RecordKey, &NewRecord)],
    ) -> Result<Counts, Error> {
        let connection = self.tx.writing(granted)?;
        let known = known(connection, granted, install, chunk).await?;
        let mut counts = Counts::default();
        let mut unchanged = Vec::new();
        let mut rows = Vec::new();
        for (key, new) in chunk {
            match known.get(key) {
                Some(stored) if stored.content_hash == new.content_hash => {
                    counts.unchanged += 1;
                    unchanged.push(stored.id);
                    continue;
                }
                Some(_) => counts.updated += 1,
                None => counts.inserted += 1,
            }
            rows.push(row_of(granted.tenant(), install, run, new));
        }
        if !unchanged.is_empty() {
            record::Entity::scoped_update(granted)
                .filter(record::Column::Id.is_in(unchanged))
                .col_expr(record::Column::Generation, Expr::value(run.uuid()))
                .exec(connection)
                .await?;
        }
        if !rows.is_empty() {
            record::Entity::insert_many(rows)
                .on_conflict(overwrite())
                .exec_without_returning(connection)
                .await
                .map_err(Error::of_write("id"))?;
        }
        Ok(counts)
    }
}

async fn known(
    connection: &DatabaseTransaction,
    granted: &Granted<RecordWrite>,
    install: InstallId,
    chunk: &[(RecordKey, &NewRecord)],
) -> Result<HashMap<RecordKey, Known>, Error> {
    let rows = record::Entity::scoped(granted)
        .select_only()
        .column(record::Column::Id)
        .column(record::Column::Stream)
        .column(record::Column::ExternalId)
        .column(record::Column::ContentHash)
        .filter(record::Column::InstallId.eq(install.uuid()))
        .filter(any_of(chunk.iter().map(|(key, _)| key)))
        .into_tuple::<(Uuid, String, String, String)>()
        .all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, stream, external_id, content_hash)| {
            (RecordKey { stream, external_id }, Known { id, content_hash })
        })
        .collect())
}

/// What an upsert writes over: everything but the id and the key.
fn overwrite() -> OnConflict {
    OnConflict::columns([
        record::Column::TenantId,
        record::Column::InstallId,
        record::Column::Stream,
        record::Column::ExternalId,
    ])
    .update_columns([
        record::Column::Title,
        record::Column::Body,
        record::Column::MimeType,
        record::Column::Url,
        record::Column::Metadata,
        record::Column::ContentHash,
        record::Column::SourceUpdatedAt,
        record::Column::SyncedAt,
        record::Column::Generation,
    ])
    .to_owned()
}

/// One condition for each stream: SQLite has no `IN` over pairs.
fn any_of<'k>(keys: impl Iterator<Item = &'k RecordKey>) -> Condition {
    let mut streams: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for key in keys.filter(|key| key.is_storable()) {
        streams.entry(&key.stream).or_default().push(&key.external_id);
    }
    streams.into_iter().fold(Condition::any(), |any, (stream, ids)| {
        any.add(
            Condition::all()
                .add(record::Column::Stream.eq(stream))
                .add(record::Column::ExternalId.is_in(ids)),
        )
    })
}

fn within(installs: &[InstallId]) -> SimpleExpr {
    record::Column::InstallId.is_in(installs.iter().map(|install| install.uuid()))
}

fn row_of(
    tenant: TenantId,
    install: InstallId,
    run: RunId,
    new: &NewRecord,
) -> record::ActiveModel {
    let key = new.key();
    record::ActiveModel {
        id: Set(new.id.uuid()),
        tenant_id: Set(tenant.uuid()),
        install_id: Set(install.uuid()),
        stream: Set(key.stream),
        external_id: Set(key.external_id),
        title: Set(text::storable(new.title.clone())),
        body: Set(text::storable(new.body.clone())),
        mime_type: Set(text::storable(new.mime_type.clone())),
        url: Set(new.url.clone().map(text::storable)),
        metadata: Set(text::storable_json(new.metadata.clone())),
        content_hash: Set(new.content_hash.clone()),
        source_updated_at: Set(new.source_updated_at.map(kept)),
        synced_at: Set(kept(new.synced_at)),
        generation: Set(run.uuid()),
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

// === impl RecordKey ===

impl RecordKey {
    fn is_storable(&self) -> bool {
        text::is_storable(&self.stream) && text::is_storable(&self.external_id)
    }
}

// === impl NewRecord ===

impl NewRecord {
    /// Its key as it is stored.
    fn key(&self) -> RecordKey {
        RecordKey {
            stream: text::storable(self.stream.clone()),
            external_id: text::storable(self.external_id.clone()),
        }
    }
}

impl From<record::Model> for Record {
    fn from(row: record::Model) -> Self {
        Self {
            id: RecordId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            install: InstallId::from_uuid(row.install_id),
            stream: row.stream,
            external_id: row.external_id,
            title: row.title,
            body: row.body,
            mime_type: row.mime_type,
            url: row.url,
            metadata: row.metadata,
            content_hash: row.content_hash,
            source_updated_at: row.source_updated_at,
            synced_at: row.synced_at,
        }
    }
}
