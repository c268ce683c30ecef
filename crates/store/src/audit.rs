//! The audit log. Entries are added and read; there is no way to change or remove one.

use chrono::{DateTime, Utc};
use domain::{
    AuditEvent, AuditId, AuditOutcome, Granted, Page, PageArgs, TenantId,
    authz::permission::{AuditRead, AuditWrite},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, Order, QueryFilter,
    sea_query::{Expr, ExprTrait, Func},
};
use serde_json::Value;

use crate::{Error, Tx, entity::audit_event, page, scoped::TenantOwned, text, time::kept};

/// Rows of one insert: well below the 32 766 parameters that SQLite takes.
const CHUNK: usize = 500;

/// The audit log of the transaction's tenant.
pub struct Audit<'t> {
    tx: &'t Tx,
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
    /// Further facts; never arguments, results or secrets.
    pub detail: Value,
}

/// Which entries to list.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// An action (`install.create`) or the beginning of several up to a dot (`install`).
    pub action: Option<String>,
}

// === impl Audit ===

impl<'t> Audit<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn append(&self, granted: &Granted<AuditWrite>, new: NewAudit) -> Result<(), Error> {
        self.append_many(granted, vec![new]).await
    }

    /// Adds entries.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn append_many(
        &self,
        granted: &Granted<AuditWrite>,
        new: Vec<NewAudit>,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let tenant = granted.tenant();
        let mut rows = new.into_iter().map(|new| row_of(tenant, new)).peekable();
        while rows.peek().is_some() {
            let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
            audit_event::Entity::insert_many(chunk)
                .exec_without_returning(connection)
                .await
                .map_err(Error::of_write("id"))?;
        }
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
        let mut query = audit_event::Entity::scoped(granted);
        if let Some(action) = filter.action.map(text::storable) {
            // No LIKE: actions contain its wildcard `_`. No comparison by order: that depends on the collation.
            let prefix = format!("{action}.");
            let beginning = Func::cust("substr")
                .arg(audit_event::Column::Action.into_expr())
                .arg(1)
                .arg(i32::try_from(prefix.chars().count()).unwrap_or(i32::MAX));
            let under = Expr::from(beginning).eq(prefix);
            let exact = audit_event::Column::Action.eq(action);
            query = query.filter(Condition::any().add(exact).add(under));
        }
        let rows =
            page::read(query, audit_event::Column::Id, Order::Desc, args, connection).await?;
        page::convert(rows, AuditEvent::try_from)
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

fn row_of(tenant: TenantId, new: NewAudit) -> audit_event::ActiveModel {
    audit_event::ActiveModel {
        id: Set(new.id.uuid()),
        tenant_id: Set(tenant.uuid()),
        at: Set(kept(new.at)),
        actor: Set(new.actor),
        action: Set(text::storable(new.action)),
        target: Set(new.target.map(text::storable)),
        outcome: Set(new.outcome.as_str().to_owned()),
        request_id: Set(text::storable(new.request_id)),
        detail: Set(text::storable_json(new.detail)),
    }
}

impl TryFrom<audit_event::Model> for AuditEvent {
    type Error = Error;

    fn try_from(row: audit_event::Model) -> Result<Self, Error> {
        let outcome = AuditOutcome::parse(&row.outcome)
            .ok_or(Error::Unreadable { table: "audit_events", column: "outcome" })?;
        Ok(Self {
            id: AuditId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            at: row.at,
            actor: row.actor,
            action: row.action,
            target: row.target,
            outcome,
            request_id: row.request_id,
            detail: row.detail,
        })
    }
}
