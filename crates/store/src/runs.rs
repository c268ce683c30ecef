//! Sync runs: where each stands, and the cursor at which it goes on after a crash.

use chrono::{DateTime, Utc};
use domain::{
    Granted, InstallId, Page, PageArgs, RunId, RunState, SyncRun, TenantId,
    authz::{
        Permission,
        permission::{InstallRead, RecordWrite, SyncRun as MaySync},
    },
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, Order, QueryFilter, QuerySelect, QueryTrait, UpdateMany,
    sea_query::{Expr, ExprTrait, Func, Query},
};
use serde_json::Value;

use crate::{Error, Tx, entity::run, page, scoped::TenantOwned, text, time::kept};

const PLACE: &str = "row_number() over (partition by install_id order by id desc)";

/// Sync runs of the transaction's tenant.
pub struct Runs<'t> {
    tx: &'t Tx,
}

/// A run to be made. It begins queued.
#[derive(Debug, Clone)]
pub struct NewRun {
    pub id: RunId,
    pub install: InstallId,
    pub created_at: DateTime<Utc>,
}

/// What one more part of a run adds, committed together with its records.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Pages more than before.
    pub pages: i64,
    /// Records written more than before.
    pub upserted: i64,
    /// Records deleted more than before.
    pub deleted: i64,
    /// The connector's estimate of all; `None` leaves the last one.
    pub total: Option<i64>,
    /// Where the run goes on; `None` leaves the last one.
    pub cursor: Option<Value>,
}

// === impl Runs ===

impl<'t> Runs<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// Queues a run.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `run` while another run of the install is unfinished, [`Error::NotFound`] without install.
    pub async fn create(&self, granted: &Granted<MaySync>, new: NewRun) -> Result<SyncRun, Error> {
        let connection = self.tx.writing(granted)?;
        let row = run::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            install_id: Set(new.install.uuid()),
            state: Set(RunState::Queued.as_str().to_owned()),
            attempt: Set(0),
            pages: Set(0),
            records_upserted: Set(0),
            records_deleted: Set(0),
            records_total: Set(None),
            cursor: Set(None),
            cancel_requested: Set(false),
            error: Set(None),
            created_at: Set(kept(new.created_at)),
            started_at: Set(None),
            finished_at: Set(None),
        };
        let row = run::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("run"))?;
        row.try_into()
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<InstallRead>,
        id: RunId,
    ) -> Result<SyncRun, Error> {
        self.one(granted, id).await
    }

    /// The newest run of each of these installs; installs without one are left out.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn latest(
        &self,
        granted: &Granted<InstallRead>,
        installs: &[InstallId],
    ) -> Result<Vec<SyncRun>, Error> {
        let connection = self.tx.reading(granted)?;
        let installs = installs.iter().map(|install| install.uuid());
        // PostgreSQL has no `max` of a UUID: the newest of each install is the one that its window numbers 1.
        let numbered = run::Entity::scoped(granted)
            .select_only()
            .column(run::Column::Id)
            .expr_as(Expr::cust(PLACE), "place")
            .filter(run::Column::InstallId.is_in(installs))
            .into_query();
        let newest = Query::select()
            .column("id")
            .from_subquery(numbered, "numbered")
            .and_where(Expr::col("place").eq(1))
            .take();
        let query = run::Entity::scoped(granted).filter(run::Column::Id.in_subquery(newest));
        query.all(connection).await?.into_iter().map(SyncRun::try_from).collect()
    }

    /// Runs of an install, newest first.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<InstallRead>,
        install: InstallId,
        args: &PageArgs,
    ) -> Result<Page<SyncRun>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = run::Entity::scoped(granted).filter(run::Column::InstallId.eq(install.uuid()));
        let rows = page::read(query, run::Column::Id, Order::Desc, args, connection).await?;
        page::convert(rows, SyncRun::try_from)
    }

    /// The run of an install that is queued, running or retrying: there is one at most.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_unfinished(
        &self,
        granted: &Granted<InstallRead>,
        install: InstallId,
    ) -> Result<Option<SyncRun>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = run::Entity::scoped(granted)
            .filter(run::Column::InstallId.eq(install.uuid()))
            .filter(run::Column::State.is_in(unfinished()));
        query.one(connection).await?.map(SyncRun::try_from).transpose()
    }

    /// Asks an unfinished run to stop at its next page. A finished one is given back as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn request_cancel(
        &self,
        granted: &Granted<MaySync>,
        id: RunId,
    ) -> Result<SyncRun, Error> {
        open_run(granted, id)
            .col_expr(run::Column::CancelRequested, Expr::value(true))
            .exec(self.tx.writing(granted)?)
            .await?;
        self.one(granted, id).await
    }

    /// A worker takes the run up. Counters and cursor of an earlier try stay: it goes on from there.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] on `state` when the run is finished, or this attempt or a later one has
    /// started already.
    pub async fn start(
        &self,
        granted: &Granted<RecordWrite>,
        id: RunId,
        attempt: i32,
        at: DateTime<Utc>,
    ) -> Result<SyncRun, Error> {
        let first = Func::coalesce([Expr::col(run::Column::StartedAt), Expr::value(kept(at))]);
        let update = open_run(granted, id)
            // A worker that stalled after its claim must not take the run from the one that came after it.
            .filter(run::Column::Attempt.lt(attempt))
            .col_expr(run::Column::State, Expr::value(RunState::Running.as_str()))
            .col_expr(run::Column::Attempt, Expr::value(attempt))
            .col_expr(run::Column::StartedAt, first.into())
            .col_expr(run::Column::Error, Expr::value(None::<String>));
        self.change(granted, id, update).await
    }

    /// Adds what a page has brought. Commit it in the transaction that wrote the page.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] on `state` when the run is finished.
    pub async fn advance(
        &self,
        granted: &Granted<RecordWrite>,
        id: RunId,
        progress: Progress,
    ) -> Result<SyncRun, Error> {
        let more = |column: run::Column, by: i64| (column, Expr::col(column).add(by));
        let mut update = open_run(granted, id);
        for (column, sum) in [
            more(run::Column::Pages, progress.pages),
            more(run::Column::RecordsUpserted, progress.upserted),
            more(run::Column::RecordsDeleted, progress.deleted),
        ] {
            update = update.col_expr(column, sum);
        }
        if let Some(total) = progress.total {
            update = update.col_expr(run::Column::RecordsTotal, Expr::value(total));
        }
        if let Some(cursor) = progress.cursor {
            let cursor = text::storable_json(cursor);
            update = update.col_expr(run::Column::Cursor, Expr::value(cursor));
        }
        self.change(granted, id, update).await
    }

    /// Ends a try: for good with a final state, or until the next try with [`RunState::Retrying`].
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] on `state` when the run is finished already.
    pub async fn finish(
        &self,
        granted: &Granted<RecordWrite>,
        id: RunId,
        state: RunState,
        error: Option<String>,
        at: DateTime<Utc>,
    ) -> Result<SyncRun, Error> {
        let finished_at = state.is_final().then(|| kept(at));
        let update = open_run(granted, id)
            .col_expr(run::Column::State, Expr::value(state.as_str()))
            .col_expr(run::Column::Error, Expr::value(error.map(text::storable)))
            .col_expr(run::Column::FinishedAt, Expr::value(finished_at));
        self.change(granted, id, update).await
    }

    async fn change(
        &self,
        granted: &Granted<RecordWrite>,
        id: RunId,
        update: UpdateMany<run::Entity>,
    ) -> Result<SyncRun, Error> {
        let rows = update.exec_with_returning(self.tx.writing(granted)?).await?;
        if let Some(row) = rows.into_iter().next() {
            return row.try_into();
        }
        self.one(granted, id).await?;
        Err(Error::Conflict { field: "state" })
    }

    async fn one<P: Permission>(&self, granted: &Granted<P>, id: RunId) -> Result<SyncRun, Error> {
        let connection = self.tx.reading(granted)?;
        let query = run::Entity::scoped(granted).filter(run::Column::Id.eq(id.uuid()));
        query.one(connection).await?.ok_or(Error::NotFound)?.try_into()
    }
}

/// A change of a run that nothing has ended yet.
fn open_run<P: Permission>(granted: &Granted<P>, id: RunId) -> UpdateMany<run::Entity> {
    run::Entity::scoped_update(granted)
        .filter(run::Column::Id.eq(id.uuid()))
        .filter(run::Column::State.is_in(unfinished()))
}

fn unfinished() -> impl Iterator<Item = &'static str> {
    RunState::ALL.iter().filter(|state| !state.is_final()).map(|state| state.as_str())
}

impl TryFrom<run::Model> for SyncRun {
    type Error = Error;

    fn try_from(row: run::Model) -> Result<Self, Error> {
        let state = RunState::parse(&row.state)
            .ok_or(Error::Unreadable { table: "runs", column: "state" })?;
        Ok(Self {
            id: RunId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            install: InstallId::from_uuid(row.install_id),
            state,
            attempt: row.attempt,
            pages: row.pages,
            records_upserted: row.records_upserted,
            records_deleted: row.records_deleted,
            records_total: row.records_total,
            cursor: row.cursor,
            cancel_requested: row.cancel_requested,
            error: row.error,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        })
    }
}
