//! Synced documents: search and read. What a caller finds is exactly what it can read.

use domain::{
    Install, InstallId, OpCtx, Page, PageArgs, Record, RecordHit, RecordId,
    authz::permission::{InstallRead, RecordRead},
    page::MAX_PAGE,
};
use policy::{Action, Resource, decide};
use store::{SearchFilter, Tx};

use crate::{
    Control, Error,
    audit::{Deed, action},
    permits::subject,
};

const QUERY_MAX: usize = 1000;

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
        let mut installs = searchable(&tx, ctx).await?;
        if let Some(only) = search.install {
            installs.retain(|install| *install == only);
            if installs.is_empty() {
                return Err(Error::NotFound);
            }
        }
        if installs.is_empty() {
            return Ok(Vec::new());
        }
        let filter =
            SearchFilter { query: search.query, installs: Some(installs), limit: search.first };
        Ok(tx.records().search(&granted, filter).await?)
    }

    /// A document by its id.
    ///
    /// # Errors
    /// [`Error::Denied`] below member; [`Error::NotFound`] also when its install is out of reach or not active.
    pub async fn lookup_record(&self, ctx: &OpCtx, id: RecordId) -> Result<Record, Error> {
        let granted = self.require(ctx, &Deed::on(action::RECORD_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        let record = tx.records().lookup(&granted, id).await?;
        readable(&tx, ctx, record.install).await?;
        Ok(record)
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
        readable(&tx, ctx, install).await?;
        let found = tx.records().find(&granted, install, stream, external_id).await?;
        found.ok_or(Error::NotFound)
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
        let mut installs = searchable(&tx, ctx).await?;
        if let Some(only) = install {
            installs.retain(|install| *install == only);
            if installs.is_empty() {
                return Err(Error::NotFound);
            }
        }
        Ok(tx.records().list(&granted, &installs, &page).await?)
    }
}

/// Every install whose records the caller may find and read.
async fn searchable(tx: &Tx, ctx: &OpCtx) -> Result<Vec<InstallId>, Error> {
    let reading = ctx.require::<InstallRead>()?;
    let active = tx.installs().list_active(&reading).await?;
    Ok(active.iter().filter(|install| permitted(ctx, install)).map(|install| install.id).collect())
}

async fn readable(tx: &Tx, ctx: &OpCtx, install: InstallId) -> Result<(), Error> {
    let reading = ctx.require::<InstallRead>()?;
    let install = tx.installs().lookup(&reading, install).await?;
    if permitted(ctx, &install) { Ok(()) } else { Err(Error::NotFound) }
}

fn permitted(ctx: &OpCtx, install: &Install) -> bool {
    let records = Resource::Records { install: install.status };
    decide(subject(ctx, install.id), Action::ReadRecord, records).allow
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
