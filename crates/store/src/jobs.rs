//! Jobs: a row is the job. Enqueued in the transaction of its cause, claimed by one statement, held by a lease.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Granted, JobId, TenantId,
    authz::Permission,
    job::{Job, JobPayload, JobState, Lane, Settle},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Statement,
    UpdateMany,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use crate::{
    Error, Store, Tx,
    entity::job,
    scoped::{Global, TenantOwned},
    time::kept,
};

/// Jobs that are due or lost, tenants taking turns: each job's turn is its place in its own tenant's queue, after the
/// jobs of that tenant that are running. So ten thousand jobs of one tenant stand behind the first of another.
const DUE: &str = "
    select id, lane from (
        select jobs.id, jobs.lane, jobs.run_at,
            coalesce(busy.running, 0) + row_number() over (
                partition by jobs.tenant_id, jobs.lane order by jobs.run_at, jobs.id
            ) as turn
        from jobs left join (
            select tenant_id, lane, count(*) as running from jobs
            where state = 'claimed' and lease_until > $1 group by tenant_id, lane
        ) as busy on busy.tenant_id = jobs.tenant_id and busy.lane = jobs.lane
        where (jobs.state = 'ready' and jobs.run_at <= $1)
            or (jobs.state = 'claimed' and jobs.lease_until <= $1)
    ) as waiting
    where lane <> 'delivery' or turn <= $3
    order by turn, run_at, id limit $2";

/// Deliveries of one organisation that run at the same time, so that its slow addresses leave room for everybody else.
const DELIVERIES_AT_ONCE: i64 = 10;

/// Whether the organisation of a delivery that is to be claimed has room for it.
const HAS_ROOM: &str = "lane <> 'delivery' or $1 > (select count(*) from jobs as others
    where others.tenant_id = jobs.tenant_id and others.lane = 'delivery'
        and others.state = 'claimed' and others.lease_until > $2)";

/// Jobs within the transaction of their cause.
pub struct TxJobs<'t> {
    tx: &'t Tx,
}

/// Jobs of all tenants.
pub struct Jobs<'s> {
    store: &'s Store,
}

/// A job to be done. It holds ids, never secrets.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub id: JobId,
    pub payload: JobPayload,
    pub lane: Lane,
    /// Not before this time.
    pub run_at: DateTime<Utc>,
    /// While a job with this key waits or runs in the tenant, another one is not added.
    pub dedup_key: Option<String>,
    /// W3C `traceparent` of the span that enqueues it.
    pub traceparent: Option<String>,
}

/// How many jobs are in a state, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobCount {
    pub state: JobState,
    pub lane: Lane,
    pub count: u64,
}

// === impl TxJobs ===

impl<'t> TxJobs<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// Adds a job under the grant of its cause; ring for it after the commit. Gives the id of the job that will do the
    /// work: an earlier one, when that has the same dedup key and is not over.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn enqueue<P: Permission>(
        &self,
        granted: &Granted<P>,
        new: NewJob,
    ) -> Result<JobId, Error> {
        self.tx.writing(granted)?;
        let key = new.dedup_key.clone();
        if let Some(added) = self.tx.insert_job(new).await? {
            return Ok(added);
        }
        // Without a key it can only be the id that is there already.
        let Some(key) = key else { return Err(Error::Conflict { field: "id" }) };
        let earlier = job::Entity::scoped(granted)
            .filter(job::Column::DedupKey.eq(key))
            .filter(job::Column::State.is_in(["ready", "claimed"]))
            .one(self.tx.connection())
            .await?;
        earlier.map(|row| JobId::from_uuid(row.id)).ok_or(Error::Conflict { field: "id" })
    }
}

// === impl Tx ===

impl Tx {
    /// Adds a job of the transaction's tenant. `None` when one with its id or key is there.
    pub(crate) async fn insert_job(&self, new: NewJob) -> Result<Option<JobId>, Error> {
        let payload = serde_json::to_value(&new.payload)
            .map_err(|_| Error::Unreadable { table: "jobs", column: "payload" })?;
        let row = job::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(self.tenant_id().uuid()),
            kind: Set(new.payload.kind().to_owned()),
            payload: Set(payload),
            lane: Set(new.lane.as_str().to_owned()),
            state: Set(JobState::Ready.as_str().to_owned()),
            run_at: Set(kept(new.run_at)),
            attempt: Set(0),
            worker: Set(None),
            lease_until: Set(None),
            finished_at: Set(None),
            dedup_key: Set(new.dedup_key),
            traceparent: Set(new.traceparent),
        };
        let unless_there = OnConflict::new().do_nothing().to_owned();
        let added = job::Entity::insert(row)
            .on_conflict(unless_there)
            .exec_without_returning(self.connection())
            .await?;
        Ok((added > 0).then_some(new.id))
    }
}

// === impl Jobs ===

impl<'s> Jobs<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Takes a job for a worker until `now + lease`: one statement, so that of any number of claimers one gets it.
    /// `None` when it is not due, held, over or unknown: drop the delivery.
    ///
    /// `worker` names this one claim (process and a fresh number), so that a stalled try cannot settle a later one.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn claim(
        &self,
        id: JobId,
        worker: &str,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Option<Job>, Error> {
        let _turn = self.store.take_turn().await?;
        let now = kept(now);
        let until = TimeDelta::from_std(lease)
            .ok()
            .and_then(|lease| now.checked_add_signed(lease))
            .map_or(DateTime::<Utc>::MAX_UTC, kept);
        let due = Condition::all()
            .add(job::Column::State.eq(JobState::Ready.as_str()))
            .add(job::Column::RunAt.lte(now));
        let lost = Condition::all()
            .add(job::Column::State.eq(JobState::Claimed.as_str()))
            .add(job::Column::LeaseUntil.lte(now));
        let rows = job::Entity::all_update()
            .col_expr(job::Column::State, Expr::value(JobState::Claimed.as_str()))
            .col_expr(job::Column::Worker, Expr::value(worker))
            .col_expr(job::Column::LeaseUntil, Expr::value(until))
            .col_expr(job::Column::Attempt, Expr::col(job::Column::Attempt).add(1))
            .filter(job::Column::Id.eq(id.uuid()))
            .filter(Condition::any().add(due).add(lost))
            .filter(Expr::cust_with_values(
                HAS_ROOM,
                [sea_orm::Value::from(DELIVERIES_AT_ONCE), now.into()],
            ))
            .exec_with_returning(self.store.connection())
            .await?;
        rows.into_iter().next().map(Job::try_from).transpose()
    }

    /// Jobs that are due, and jobs whose worker has let the lease run out; tenants take turns.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<(JobId, Lane)>, Error> {
        let values = [kept(now).into(), i64::from(limit).into(), DELIVERIES_AT_ONCE.into()];
        let statement = Statement::from_sql_and_values(self.store.backend(), DUE, values);
        let rows = self.store.connection().query_all_raw(statement).await?;
        rows.iter()
            .map(|row| {
                let id = JobId::from_uuid(row.try_get("", "id")?);
                Ok((id, lane(&row.try_get::<String>("", "lane")?)?))
            })
            .collect()
    }

    /// Holds a job for longer. `false` when the worker has lost it: stop.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn extend(
        &self,
        id: JobId,
        worker: &str,
        until: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let _turn = self.store.take_turn().await?;
        let update = held(id, worker).col_expr(job::Column::LeaseUntil, Expr::value(kept(until)));
        Ok(update.exec(self.store.connection()).await?.rows_affected > 0)
    }

    /// Ends this try of a job. `false` when the worker has lost it: somebody else does it now, and their end counts.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn settle(
        &self,
        id: JobId,
        worker: &str,
        settle: Settle,
        now: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let _turn = self.store.take_turn().await?;
        let finished_at = Some(kept(now));
        let (state, finished_at, run_at) = match settle {
            Settle::Done => (JobState::Done, finished_at, None),
            Settle::Dead => (JobState::Dead, finished_at, None),
            Settle::Parked => (JobState::Parked, None, None),
            Settle::RetryAt(at) => (JobState::Ready, None, Some(kept(at))),
        };
        let mut update = held(id, worker)
            .col_expr(job::Column::State, Expr::value(state.as_str()))
            .col_expr(job::Column::FinishedAt, Expr::value(finished_at))
            .col_expr(job::Column::Worker, Expr::value(None::<String>))
            .col_expr(job::Column::LeaseUntil, Expr::value(None::<DateTime<Utc>>));
        if let Some(at) = run_at {
            update = update.col_expr(job::Column::RunAt, Expr::value(at));
        }
        Ok(update.exec(self.store.connection()).await?.rows_affected > 0)
    }

    /// How many jobs are in each state that is not `done`.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn counts(&self) -> Result<Vec<JobCount>, Error> {
        let rows = job::Entity::all()
            .select_only()
            .column(job::Column::State)
            .column(job::Column::Lane)
            .column_as(job::Column::Id.count(), "count")
            .filter(job::Column::State.ne(JobState::Done.as_str()))
            .group_by(job::Column::State)
            .group_by(job::Column::Lane)
            .into_tuple::<(String, String, i64)>()
            .all(self.store.connection())
            .await?;
        rows.into_iter()
            .map(|(state, word, count)| {
                let count = u64::try_from(count).unwrap_or_default();
                Ok(JobCount { state: state_of(&state)?, lane: lane(&word)?, count })
            })
            .collect()
    }

    /// Makes every parked job ready again: a version that still does not know its kind parks it again. Gives how many
    /// there were.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn unpark(&self) -> Result<u64, Error> {
        let _turn = self.store.take_turn().await?;
        let update = job::Entity::all_update()
            .col_expr(job::Column::State, Expr::value(JobState::Ready.as_str()))
            .filter(job::Column::State.eq(JobState::Parked.as_str()));
        Ok(update.exec(self.store.connection()).await?.rows_affected)
    }

    /// Removes jobs that were done or given up before a time. Gives how many there were.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn purge(&self, before: DateTime<Utc>) -> Result<u64, Error> {
        let _turn = self.store.take_turn().await?;
        let delete = job::Entity::all_delete()
            .filter(job::Column::State.is_in(["done", "dead"]))
            .filter(job::Column::FinishedAt.lt(kept(before)));
        Ok(delete.exec(self.store.connection()).await?.rows_affected)
    }
}

/// A change by the worker that holds the job. A lease that has run out is still held until somebody else claims it.
fn held(id: JobId, worker: &str) -> UpdateMany<job::Entity> {
    job::Entity::all_update()
        .filter(job::Column::Id.eq(id.uuid()))
        .filter(job::Column::State.eq(JobState::Claimed.as_str()))
        .filter(job::Column::Worker.eq(worker))
}

fn lane(word: &str) -> Result<Lane, Error> {
    Lane::parse(word).ok_or(Error::Unreadable { table: "jobs", column: "lane" })
}

fn state_of(word: &str) -> Result<JobState, Error> {
    [JobState::Ready, JobState::Claimed, JobState::Done, JobState::Dead, JobState::Parked]
        .into_iter()
        .find(|state| state.as_str() == word)
        .ok_or(Error::Unreadable { table: "jobs", column: "state" })
}

impl TryFrom<job::Model> for Job {
    type Error = Error;

    fn try_from(row: job::Model) -> Result<Self, Error> {
        let kind = row.kind;
        Ok(Self {
            id: JobId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            // A kind or a shape of a later version: the caller parks it.
            payload: serde_json::from_value(row.payload).map_err(|_| kind),
            lane: lane(&row.lane)?,
            attempt: row.attempt,
            lease_until: row
                .lease_until
                .ok_or(Error::Unreadable { table: "jobs", column: "lease_until" })?,
            traceparent: row.traceparent,
        })
    }
}
