//! The chain of the audit log: how entries are put at its end, and what is signed about it.
//!
//! Entries are linked when their transaction commits, under a lock of the chain's end that is held for these few statements
//! alone. It is the last lock of every transaction, so two of them cannot wait for each other.

use chrono::{DateTime, Utc};
use domain::{
    AuditEvent, AuditOutcome, Granted, JobId, TenantId,
    audit::{ChainHash, Checkpoint, Link, Statement},
    authz::permission::{AuditRead, AuditWrite, WebhookWrite},
    job::{JobPayload, Lane},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, Statement as Sql,
};

use crate::{
    Audit, Error, NewJob, Tx,
    entity::{audit_checkpoint, audit_event, audit_head},
    scoped::TenantOwned,
    time::kept,
};

/// Rows of one insert: 12 parameters each, well below the 32 766 that SQLite takes.
const CHUNK: usize = 500;

const BEGIN_CHAIN: &str = "insert into audit_heads (tenant_id, seq, hash, listening, told)
     values ($1, 0, $2, false, false) on conflict do nothing";
const END: &str = "select seq, hash, listening, told from audit_heads where tenant_id = $1";
const MOVE_END: &str = "update audit_heads set seq = $1, hash = $2, told = $3 where tenant_id = $4";
const LISTEN: &str = "update audit_heads set listening = $1 where tenant_id = $2";
const FORGET_TOLD: &str = "update audit_heads set told = false where tenant_id = $1";

/// The end of a chain, locked.
struct End {
    link: Link,
    /// Somebody wants to be told of new entries.
    listening: bool,
    /// A job that tells them waits already.
    told: bool,
}

// === impl Tx ===

impl Tx {
    /// Puts what was noted at the end of the chain. The last thing before a commit.
    pub(crate) async fn write_audit(&self) -> Result<(), Error> {
        let noted = self.take_audit();
        if noted.is_empty() {
            return Ok(());
        }
        let connection = self.connection();
        let End { mut link, listening, mut told } = self.lock_end().await?;
        let at = noted[noted.len() - 1].at;
        let mut rows = Vec::with_capacity(noted.len());
        for entry in noted {
            let entry = entry.after(link);
            link = entry.link;
            rows.push(row_of(entry));
        }
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
            audit_event::Entity::insert_many(chunk)
                .exec_without_returning(connection)
                .await
                .map_err(Error::of_write("id"))?;
        }
        if listening && !told {
            // With the entries or not at all: nothing that happened stays untold, and nothing is told that did not happen.
            self.insert_job(relay(at)).await?;
            told = true;
        }
        let tenant = self.tenant_id().uuid();
        let values = [link.seq.into(), link.hash.to_string().into(), told.into(), tenant.into()];
        connection.execute_raw(self.sql(MOVE_END, values)).await?;
        Ok(())
    }

    /// The end of the chain, locked until the transaction ends.
    async fn lock_end(&self) -> Result<End, Error> {
        let connection = self.connection();
        let tenant = self.tenant_id().uuid();
        // SQLite: the transaction has the only write lock since its start.
        let lock = match connection.get_database_backend() {
            DbBackend::Postgres => format!("{END} for update"),
            _ => END.to_owned(),
        };
        let found = connection.query_one_raw(self.sql(&lock, [tenant.into()])).await?;
        let row = if let Some(row) = found {
            row
        } else {
            let values = [tenant.into(), ChainHash::GENESIS.to_string().into()];
            connection
                .execute_raw(self.sql(BEGIN_CHAIN, values))
                .await
                .map_err(Error::of_write("tenant"))?;
            let made = connection.query_one_raw(self.sql(&lock, [tenant.into()])).await?;
            made.ok_or(Error::NotFound)?
        };
        let hash: String = row.try_get("", "hash")?;
        let hash = hash_of(&hash, "audit_heads")?;
        let link = Link { seq: row.try_get("", "seq")?, prev: ChainHash::GENESIS, hash };
        Ok(End { link, listening: row.try_get("", "listening")?, told: row.try_get("", "told")? })
    }

    fn sql<const N: usize>(&self, text: &str, values: [sea_orm::Value; N]) -> Sql {
        Sql::from_sql_and_values(self.connection().get_database_backend(), text, values)
    }
}

// === impl Audit ===

impl Audit<'_> {
    /// The end of the chain; the genesis when nothing was ever written.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn end(&self, granted: &Granted<AuditRead>) -> Result<Link, Error> {
        let connection = self.tx.reading(granted)?;
        let Some(row) = audit_head::Entity::scoped(granted).one(connection).await? else {
            return Ok(Link::GENESIS);
        };
        let hash = hash_of(&row.hash, "audit_heads")?;
        Ok(Link { seq: row.seq, prev: ChainHash::GENESIS, hash })
    }

    /// Says whether somebody wants to be told of new entries: then each commit that adds some sees to it that a job waits.
    /// Locks the end of the chain until the transaction ends: call it last.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn listen(
        &self,
        granted: &Granted<WebhookWrite>,
        listening: bool,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        self.tx.lock_end().await?;
        let values = [listening.into(), granted.tenant().uuid().into()];
        connection.execute_raw(self.tx.sql(LISTEN, values)).await?;
        Ok(())
    }

    /// Takes note that the job runs: what is added from now on needs another one. Commit, then read.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn begin_relay(&self, granted: &Granted<WebhookWrite>) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let values = [granted.tenant().uuid().into()];
        connection.execute_raw(self.tx.sql(FORGET_TOLD, values)).await?;
        Ok(())
    }

    /// Entries of these actions that were carried out, in the order of the chain, after a number and up to another one.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn follow_actions(
        &self,
        granted: &Granted<AuditRead>,
        actions: &[&str],
        (after, last): (i64, i64),
        limit: u32,
    ) -> Result<Vec<AuditEvent>, Error> {
        use audit_event::Column;
        let connection = self.tx.reading(granted)?;
        let query = audit_event::Entity::scoped(granted)
            .filter(Column::Seq.gt(after))
            .filter(Column::Seq.lte(last))
            .filter(Column::Outcome.ne(AuditOutcome::Denied.as_str()))
            .filter(Column::Action.is_in(actions.iter().copied()))
            .order_by_asc(Column::Seq)
            .limit(u64::from(limit));
        query.all(connection).await?.into_iter().map(AuditEvent::try_from).collect()
    }

    /// The number before the first entry of a time or later; the end when there is none.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn seq_before(
        &self,
        granted: &Granted<AuditRead>,
        at: DateTime<Utc>,
    ) -> Result<i64, Error> {
        use audit_event::Column;
        let connection = self.tx.reading(granted)?;
        let first = audit_event::Entity::scoped(granted)
            .filter(Column::At.gte(kept(at)))
            .order_by_asc(Column::Seq)
            .one(connection)
            .await?;
        match first {
            Some(first) => Ok(first.seq - 1),
            None => Ok(self.end(granted).await?.seq),
        }
    }

    /// Keeps a signed statement. One that is there already stays as it is.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn keep_checkpoint(
        &self,
        granted: &Granted<AuditWrite>,
        checkpoint: &Checkpoint,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let row = audit_checkpoint::ActiveModel {
            tenant_id: Set(granted.tenant().uuid()),
            seq: Set(checkpoint.seq),
            statement: Set(checkpoint.statement.as_str().to_owned()),
            hash: Set(checkpoint.hash.to_string()),
            at: Set(kept(checkpoint.at)),
            key: Set(checkpoint.key.clone()),
            signature: Set(checkpoint.signature.clone()),
        };
        let unless_there = sea_orm::sea_query::OnConflict::new().do_nothing().to_owned();
        audit_checkpoint::Entity::insert(row)
            .on_conflict(unless_there)
            .exec_without_returning(connection)
            .await?;
        Ok(())
    }

    /// Checkpoints in the order of what they are about, after a number.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn checkpoints(
        &self,
        granted: &Granted<AuditRead>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Checkpoint>, Error> {
        let connection = self.tx.reading(granted)?;
        let rows = audit_checkpoint::Entity::scoped(granted)
            .filter(audit_checkpoint::Column::Seq.gt(after))
            .order_by_asc(audit_checkpoint::Column::Seq)
            .order_by_asc(audit_checkpoint::Column::Statement)
            .limit(u64::from(limit))
            .all(connection)
            .await?;
        rows.into_iter().map(Checkpoint::try_from).collect()
    }

    /// The one that reaches furthest.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn last_checkpoint(
        &self,
        granted: &Granted<AuditRead>,
    ) -> Result<Option<Checkpoint>, Error> {
        let connection = self.tx.reading(granted)?;
        let row = audit_checkpoint::Entity::scoped(granted)
            .order_by_desc(audit_checkpoint::Column::Seq)
            .one(connection)
            .await?;
        row.map(Checkpoint::try_from).transpose()
    }

    /// The last entry of those at the beginning that are all older than a time, at most so many of them and never the newest.
    /// `None` when there are none.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn last_before(
        &self,
        granted: &Granted<AuditRead>,
        at: DateTime<Utc>,
        most: i64,
    ) -> Result<Option<Link>, Error> {
        use audit_event::Column;
        let connection = self.tx.reading(granted)?;
        let in_order = || audit_event::Entity::scoped(granted).order_by_asc(Column::Seq);
        let Some(first) = in_order().one(connection).await? else { return Ok(None) };
        let young = in_order().filter(Column::At.gte(kept(at))).one(connection).await?;
        let young = match young {
            Some(young) => young.seq,
            None => self.end(granted).await?.seq,
        };
        let last = (young - 1).min(first.seq + most - 1);
        let query = in_order().filter(Column::Seq.eq(last)).filter(Column::Seq.gte(first.seq));
        let row = query.one(connection).await?;
        row.map(|row| AuditEvent::try_from(row).map(|event| event.link)).transpose()
    }

    /// Removes entries up to a cut that was kept before, and the checkpoints before it. Returns how many entries.
    ///
    /// # Errors
    /// [`Error::NotFound`] without that cut.
    pub async fn remove_up_to(
        &self,
        granted: &Granted<AuditWrite>,
        seq: i64,
    ) -> Result<u64, Error> {
        let connection = self.tx.writing(granted)?;
        let cut = audit_checkpoint::Entity::scoped(granted)
            .filter(audit_checkpoint::Column::Seq.eq(seq))
            .filter(audit_checkpoint::Column::Statement.eq(Statement::Cut.as_str()))
            .one(connection)
            .await?;
        cut.ok_or(Error::NotFound)?;
        if connection.get_database_backend() == DbBackend::Postgres {
            // The role of the running product may not delete entries; this function of the owner may, up to a cut.
            let sql = "select audit_events_remove_up_to($1) as removed";
            let row = connection.query_one_raw(self.tx.sql(sql, [seq.into()])).await?;
            let removed: i64 = row.ok_or(Error::NotFound)?.try_get("", "removed")?;
            return Ok(u64::try_from(removed).unwrap_or_default());
        }
        let removed = audit_event::Entity::scoped_delete(granted)
            .filter(audit_event::Column::Seq.lte(seq))
            .exec(connection)
            .await?;
        audit_checkpoint::Entity::scoped_delete(granted)
            .filter(audit_checkpoint::Column::Seq.lt(seq))
            .exec(connection)
            .await?;
        Ok(removed.rows_affected)
    }
}

/// The job that tells what is new. It only reads and writes rows: the telling itself is jobs of its own.
fn relay(run_at: DateTime<Utc>) -> NewJob {
    NewJob {
        id: JobId::generate(),
        payload: JobPayload::RelayEvents {},
        lane: Lane::Interactive,
        run_at,
        dedup_key: None,
        traceparent: None,
    }
}

fn row_of(event: AuditEvent) -> audit_event::ActiveModel {
    audit_event::ActiveModel {
        id: Set(event.id.uuid()),
        tenant_id: Set(event.tenant.uuid()),
        at: Set(event.at),
        actor: Set(event.actor),
        action: Set(event.action),
        target: Set(event.target),
        outcome: Set(event.outcome.as_str().to_owned()),
        request_id: Set(event.request_id),
        detail: Set(event.detail),
        seq: Set(event.link.seq),
        prev: Set(event.link.prev.to_string()),
        hash: Set(event.link.hash.to_string()),
    }
}

fn hash_of(text: &str, table: &'static str) -> Result<ChainHash, Error> {
    text.parse().map_err(|_| Error::Unreadable { table, column: "hash" })
}

impl TryFrom<audit_checkpoint::Model> for Checkpoint {
    type Error = Error;

    fn try_from(row: audit_checkpoint::Model) -> Result<Self, Error> {
        let statement = Statement::parse(&row.statement)
            .ok_or(Error::Unreadable { table: "audit_checkpoints", column: "statement" })?;
        Ok(Self {
            tenant: TenantId::from_uuid(row.tenant_id),
            statement,
            seq: row.seq,
            hash: hash_of(&row.hash, "audit_checkpoints")?,
            at: row.at,
            key: row.key,
            signature: row.signature,
        })
    }
}
