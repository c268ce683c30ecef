//! The audit log. Entries are added and read; there is no way to change one, and only retention removes some.

use chrono::{DateTime, Utc};
use domain::{
    AuditEvent, AuditId, AuditOutcome, Granted, Page, PageArgs, TenantId,
    audit::{ChainHash, Link},
    authz::permission::{AuditRead, AuditWrite},
};
use sea_orm::{
    ColumnTrait, Condition, Order, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, Func},
};
use serde_json::Value;

use crate::{Error, Tx, entity::audit_event, page, scoped::TenantOwned, text, time::kept};

/// The audit log of the transaction's tenant.
pub struct Audit<'t> {
    pub(crate) tx: &'t Tx,
}

/// An entry to be added.
#[derive(Debug, Clone)]
pub struct NewAudit {
    pub id: AuditId,
    pub at: DateTime<Utc>,
    /// [`domain::Principal`] in its text form.
    pub actor: String,
    /// `noun.verb`.
    pub action: String,
    pub target: Option<String>,
    pub outcome: AuditOutcome,
    pub request_id: String,
    /// Further facts; never results or secrets.
    pub detail: Value,
}

/// Which entries to list. What is `None` is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// An action (`install.create`) or the beginning of several up to a dot (`install`).
    pub action: Option<String>,
    /// Who did it, exactly.
    pub actor: Option<String>,
    /// What it was done to, exactly.
    pub target: Option<String>,
    pub outcome: Option<AuditOutcome>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
    pub request_id: Option<String>,
}

// === impl Audit ===

impl<'t> Audit<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// Adds an entry. It is chained and written by the commit, as the last thing of the transaction: without it, nothing of
    /// the transaction lasts.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::WrongTenant`]; what the database refuses comes out of [`Tx::commit`].
    pub async fn append(&self, granted: &Granted<AuditWrite>, new: NewAudit) -> Result<(), Error> {
        self.append_many(granted, vec![new]).await
    }

    /// Adds entries, in this order. As [`Audit::append`].
    ///
    /// # Errors
    /// As [`Audit::append`].
    #[expect(clippy::unused_async, reason = "every method of a repository is awaited")]
    pub async fn append_many(
        &self,
        granted: &Granted<AuditWrite>,
        new: Vec<NewAudit>,
    ) -> Result<(), Error> {
        self.tx.writing(granted)?;
        self.tx.note_audit(new.into_iter().map(|new| stored(granted.tenant(), new)));
        Ok(())
    }

    /// Entries, newest first.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<AuditRead>,
        filter: AuditFilter,
        args: &PageArgs,
    ) -> Result<Page<AuditEvent>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = filter.apply(audit_event::Entity::scoped(granted));
        let rows =
            page::read(query, audit_event::Column::Id, Order::Desc, args, connection).await?;
        page::convert(rows, AuditEvent::try_from)
    }

    /// Entries in the order of the chain, after a number and up to another one.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn follow(
        &self,
        granted: &Granted<AuditRead>,
        filter: AuditFilter,
        (after, last): (i64, i64),
        limit: u32,
    ) -> Result<Vec<AuditEvent>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = filter
            .apply(audit_event::Entity::scoped(granted))
            .filter(audit_event::Column::Seq.gt(after))
            .filter(audit_event::Column::Seq.lte(last))
            .order_by_asc(audit_event::Column::Seq)
            .limit(u64::from(limit));
        let rows = query.all(connection).await?;
        rows.into_iter().map(AuditEvent::try_from).collect()
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<AuditRead>,
        id: AuditId,
    ) -> Result<AuditEvent, Error> {
        let connection = self.tx.reading(granted)?;
        let query =
            audit_event::Entity::scoped(granted).filter(audit_event::Column::Id.eq(id.uuid()));
        query.one(connection).await?.ok_or(Error::NotFound)?.try_into()
    }
}

// === impl AuditFilter ===

impl AuditFilter {
    fn apply(self, query: Select<audit_event::Entity>) -> Select<audit_event::Entity> {
        use audit_event::Column;
        let exact = Condition::all()
            .add_option(self.actor.map(|it| Column::Actor.eq(text::storable(it))))
            .add_option(self.target.map(|it| Column::Target.eq(text::storable(it))))
            .add_option(self.request_id.map(|it| Column::RequestId.eq(text::storable(it))))
            .add_option(self.outcome.map(|it| Column::Outcome.eq(it.as_str())))
            .add_option(self.from.map(|at| Column::At.gte(kept(at))))
            .add_option(self.until.map(|at| Column::At.lt(kept(at))))
            .add_option(self.action.map(|it| under(text::storable(it))));
        query.filter(exact)
    }
}

/// The action itself, or what stands below it.
fn under(action: String) -> Condition {
    // No LIKE: actions contain its wildcard `_`. No comparison by order: that depends on the collation.
    let prefix = format!("{action}.");
    let beginning = Func::cust("substr")
        .arg(audit_event::Column::Action.into_expr())
        .arg(1)
        .arg(i32::try_from(prefix.chars().count()).unwrap_or(i32::MAX));
    let below = Expr::from(beginning).eq(prefix);
    Condition::any().add(audit_event::Column::Action.eq(action)).add(below)
}

/// The entry as the database will give it back: what is hashed must be what is read.
fn stored(tenant: TenantId, new: NewAudit) -> AuditEvent {
    AuditEvent {
        id: new.id,
        tenant,
        at: kept(new.at),
        actor: text::storable(new.actor),
        action: text::storable(new.action),
        target: new.target.map(text::storable),
        outcome: new.outcome,
        request_id: text::storable(new.request_id),
        detail: text::storable_json(new.detail),
        link: Link::GENESIS,
    }
}

impl TryFrom<audit_event::Model> for AuditEvent {
    type Error = Error;

    fn try_from(row: audit_event::Model) -> Result<Self, Error> {
        let unreadable = |column| Error::Unreadable { table: "audit_events", column };
        let hash = |text: &str, column| text.parse::<ChainHash>().map_err(|_| unreadable(column));
        Ok(Self {
            id: AuditId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            at: row.at,
            actor: row.actor,
            action: row.action,
            target: row.target,
            outcome: AuditOutcome::parse(&row.outcome).ok_or(unreadable("outcome"))?,
            request_id: row.request_id,
            detail: row.detail,
            link: Link {
                seq: row.seq,
                prev: hash(&row.prev, "prev")?,
                hash: hash(&row.hash, "hash")?,
            },
        })
    }
}
