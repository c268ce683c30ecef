//! Synced documents: search and read. What a caller finds is exactly what it can read.

use domain::{
    Install, InstallId, OpCtx, Page, PageArgs, Record, RecordHit, RecordId,
    authz::permission::{InstallRead, RecordRead},
    page::MAX_PAGE,
};
use store::{SearchFilter, Tx};

use crate::{
    Control, Error,
    audit::{Deed, action},
    permits::Permits,
};

const QUERY_MAX: usize = 1000;
/// Hits that are looked at for those that the caller may read.
const LOOKED_AT_MAX: u32 = 1600;

/// A search.
#[derive(Debug, Clone)]
pub struct SearchRecords {
    /// Words; the search decides how they are matched.
    pub query: String,
    /// Only what this install has synced.
    pub install: Option<InstallId>,
    /// How many hits at most, 1 to [`MAX_PAGE`].
    pub first: u32,
}

// === impl Control ===

impl Control {
    /// Finds documents, best first.
    ///
    /// # Errors
    /// [`Error::Denied`] below member; [`Error::NotFound`] for an install that is not there, out of reach or not active;
    /// [`Error::Invalid`] for an empty or oversized query.
    pub async fn search_records(
        &self,
        ctx: &OpCtx,
        search: SearchRecords,
    ) -> Result<Vec<RecordHit>, Error> {
        let granted = self.require(ctx, &Deed::new(action::RECORD_SEARCH)).await?;
        validate(&search)?;
        let tx = self.store().read(&granted).await?;
        let permits = self.permits(ctx, &self.compiled(&tx, &granted).await?);
        let mut installs = self.searchable(&tx, ctx, &permits).await?;
        if let Some(only) = search.install {
            installs.retain(|install| install.id == only);
            if installs.is_empty() {
                return Err(Error::NotFound);
            }
        }
        if installs.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = usize::try_from(search.first).unwrap_or(usize::MAX);
        let mut limit = search.first;
        loop {
            let filter = SearchFilter {
                query: search.query.clone(),
                installs: Some(installs.iter().map(|install| install.id).collect()),
                limit,
            };
            let mut hits = tx.records().search(&granted, filter).await?;
            let found = hits.len();
            hits.retain(|hit| may_read(&permits, &installs, &hit.record));
            // Where single documents are out of sight, more of the others are looked for.
            let is_all = u32::try_from(found).unwrap_or(u32::MAX) < limit;
            if hits.len() >= wanted || is_all || limit >= LOOKED_AT_MAX {
                hits.truncate(wanted);
                return Ok(hits);
            }
            limit = limit.saturating_mul(4).min(LOOKED_AT_MAX);
        }
    }

    /// A document by its id.
    ///
    /// # Errors
    /// [`Error::Denied`] below member; [`Error::NotFound`] also when its install is out of reach or not active.
    pub async fn lookup_record(&self, ctx: &OpCtx, id: RecordId) -> Result<Record, Error> {
        let granted = self.require(ctx, &Deed::on(action::RECORD_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        let record = tx.records().lookup(&granted, id).await?;
        let permits = self.permits(ctx, &self.compiled(&tx, &granted).await?);
        readable(&tx, ctx, &permits, record).await
    }

    /// A document by the name that its source gives it.
    ///
    /// # Errors
    /// As [`Control::lookup_record`].
    pub async fn find_record(
        &self,
        ctx: &OpCtx,
        install: InstallId,
        stream: &str,
        external_id: &str,
    ) -> Result<Record, Error> {
        let deed = Deed::on(action::RECORD_READ, &install);
        let granted = self.require_on::<RecordRead>(ctx, &deed, install).await?;
        let tx = self.store().read(&granted).await?;
        let found = tx.records().find(&granted, install, stream, external_id).await?;
        let permits = self.permits(ctx, &self.compiled(&tx, &granted).await?);
        readable(&tx, ctx, &permits, found.ok_or(Error::NotFound)?).await
    }

    /// Documents in the order of their ids, of one install or of all that the caller can search.
    ///
    /// # Errors
    /// As [`Control::lookup_record`].
    pub async fn list_records(
        &self,
        ctx: &OpCtx,
        install: Option<InstallId>,
        page: PageArgs,
    ) -> Result<Page<Record>, Error> {
        let granted = self.require(ctx, &Deed::new(action::RECORD_READ)).await?;
        let tx = self.store().read(&granted).await?;
        let permits = self.permits(ctx, &self.compiled(&tx, &granted).await?);
        let mut installs = self.searchable(&tx, ctx, &permits).await?;
        if let Some(only) = install {
            installs.retain(|install| install.id == only);
            if installs.is_empty() {
                return Err(Error::NotFound);
            }
        }
        let ids: Vec<InstallId> = installs.iter().map(|install| install.id).collect();
        let mut args = page;
        loop {
            let mut page = tx.records().list(&granted, &ids, &args).await?;
            let last = page.items.last().map(|(cursor, _)| cursor.clone());
            page.items.retain(|(_, record)| may_read(&permits, &installs, record));
            // A page of which nothing is left would have no cursor to go on from.
            if !page.items.is_empty() || !page.has_next {
                return Ok(page);
            }
            args.after = last;
        }
    }

    /// Every install of which the caller may find and read something.
    async fn searchable(
        &self,
        tx: &Tx,
        ctx: &OpCtx,
        permits: &Permits,
    ) -> Result<Vec<Install>, Error> {
        let reading = ctx.require::<InstallRead>()?;
        let mut active = tx.installs().list_active(&reading).await?;
        active.retain(|install| {
            let connector = self.connector(&install.connector);
            let streams = connector.iter().flat_map(|it| it.manifest().streams.iter());
            permits.some_record_of(install, streams.map(|stream| stream.name.as_str()))
        });
        Ok(active)
    }
}

fn may_read(permits: &Permits, installs: &[Install], record: &Record) -> bool {
    let install = installs.iter().find(|install| install.id == record.install);
    install.is_some_and(|it| permits.record_of(it, &record.stream, &record.external_id))
}

async fn readable(
    tx: &Tx,
    ctx: &OpCtx,
    permits: &Permits,
    record: Record,
) -> Result<Record, Error> {
    let reading = ctx.require::<InstallRead>()?;
    let install = tx.installs().lookup(&reading, record.install).await?;
    if permits.record_of(&install, &record.stream, &record.external_id) {
        Ok(record)
    } else {
        Err(Error::NotFound)
    }
}

fn validate(search: &SearchRecords) -> Result<(), Error> {
    if search.query.trim().is_empty() {
        return Err(Error::invalid("query", "empty", "search for at least one word"));
    }
    if search.query.len() > QUERY_MAX {
        return Err(Error::invalid("query", "length", "a search has at most 1000 bytes"));
    }
    if !(1..=MAX_PAGE).contains(&search.first) {
        return Err(Error::invalid("first", "out_of_range", "`first` must be between 1 and 100"));
    }
    Ok(())
}
