//! Events on their way to webhooks, and what became of each try.

use chrono::{DateTime, Utc};
use domain::{
    AuditId, DeliveryState, Granted, Page, PageArgs, TenantId, WebhookAttempt, WebhookDelivery,
    WebhookDeliveryId, WebhookId,
    authz::permission::{WebhookRead, WebhookWrite},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use serde_json::json;

use crate::{
    Error, Tx, entity::webhook_delivery as row, page, scoped::TenantOwned, text, time::kept,
};

/// Rows of one insert: 11 parameters each, well below the 32 766 that SQLite takes.
const CHUNK: usize = 500;

/// Deliveries of the transaction's tenant.
pub struct WebhookDeliveries<'t> {
    tx: &'t Tx,
}

/// A delivery to be made.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    pub id: WebhookDeliveryId,
    pub webhook: WebhookId,
    pub event: AuditId,
    pub event_type: String,
    pub payload: String,
    pub created_at: DateTime<Utc>,
}

// === impl WebhookDeliveries ===

impl<'t> WebhookDeliveries<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// Deliveries to a webhook, newest first.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<WebhookRead>,
        webhook: WebhookId,
        state: Option<DeliveryState>,
        args: &PageArgs,
    ) -> Result<Page<WebhookDelivery>, Error> {
        let connection = self.tx.reading(granted)?;
        let mut query =
            row::Entity::scoped(granted).filter(row::Column::WebhookId.eq(webhook.uuid()));
        if let Some(state) = state {
            query = query.filter(row::Column::State.eq(state.as_str()));
        }
        let rows = page::read(query, row::Column::Id, Order::Desc, args, connection).await?;
        page::convert(rows, WebhookDelivery::try_from)
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<WebhookRead>,
        id: WebhookDeliveryId,
    ) -> Result<WebhookDelivery, Error> {
        let connection = self.tx.reading(granted)?;
        let query = row::Entity::scoped(granted).filter(row::Column::Id.eq(id.uuid()));
        query.one(connection).await?.ok_or(Error::NotFound)?.try_into()
    }

    /// Adds some, to be tried at once.
    ///
    /// # Errors
    /// [`Error::NotFound`] when their webhook is gone.
    pub async fn create_many(
        &self,
        granted: &Granted<WebhookWrite>,
        new: Vec<NewDelivery>,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let tenant = granted.tenant();
        let mut rows = new.into_iter().map(|new| fresh(tenant, new)).peekable();
        while rows.peek().is_some() {
            let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
            row::Entity::insert_many(chunk)
                .exec_without_returning(connection)
                .await
                .map_err(Error::of_write("id"))?;
        }
        Ok(())
    }

    /// Writes down a try, the last of `attempts`, and what follows: another one at a time, or the end. `false` when the
    /// delivery has ended or was tried by somebody else meanwhile.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn note_attempt(
        &self,
        granted: &Granted<WebhookWrite>,
        was: &WebhookDelivery,
        attempts: &[WebhookAttempt],
        next: Result<DateTime<Utc>, (DeliveryState, DateTime<Utc>)>,
    ) -> Result<bool, Error> {
        let connection = self.tx.writing(granted)?;
        let (state, next_attempt_at, finished_at) = match next {
            Ok(at) => (DeliveryState::Pending, Some(at), None),
            Err((state, at)) => (state, None, Some(at)),
        };
        let attempts = text::storable_json(json!(attempts));
        let mut update = row::Entity::scoped_update(granted)
            .col_expr(row::Column::State, Expr::value(state.as_str()))
            .col_expr(row::Column::Attempts, Expr::value(attempts))
            .col_expr(row::Column::NextAttemptAt, Expr::value(next_attempt_at.map(kept)))
            .col_expr(row::Column::FinishedAt, Expr::value(finished_at.map(kept)))
            .filter(row::Column::Id.eq(was.id.uuid()))
            .filter(row::Column::State.eq(DeliveryState::Pending.as_str()));
        update = match was.next_attempt_at {
            Some(at) => update.filter(row::Column::NextAttemptAt.eq(kept(at))),
            None => update.filter(row::Column::NextAttemptAt.is_null()),
        };
        Ok(update.exec(connection).await?.rows_affected > 0)
    }

    /// Removes some of those that ended before a time. Gives how many.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn purge(
        &self,
        granted: &Granted<WebhookWrite>,
        before: DateTime<Utc>,
        most: u64,
    ) -> Result<u64, Error> {
        let connection = self.tx.writing(granted)?;
        let over = row::Entity::scoped(granted)
            .select_only()
            .column(row::Column::Id)
            .filter(row::Column::FinishedAt.lt(kept(before)))
            .order_by_asc(row::Column::FinishedAt)
            .limit(most)
            .into_tuple::<uuid::Uuid>()
            .all(connection)
            .await?;
        let removed = row::Entity::scoped_delete(granted)
            .filter(row::Column::Id.is_in(over))
            .exec(connection)
            .await?;
        Ok(removed.rows_affected)
    }
}

fn fresh(tenant: TenantId, new: NewDelivery) -> row::ActiveModel {
    let at = kept(new.created_at);
    row::ActiveModel {
        id: Set(new.id.uuid()),
        tenant_id: Set(tenant.uuid()),
        webhook_id: Set(new.webhook.uuid()),
        event_id: Set(new.event.uuid()),
        event_type: Set(new.event_type),
        payload: Set(text::storable(new.payload)),
        state: Set(DeliveryState::Pending.as_str().to_owned()),
        attempts: Set(json!([])),
        created_at: Set(at),
        next_attempt_at: Set(Some(at)),
        finished_at: Set(None),
    }
}

impl TryFrom<row::Model> for WebhookDelivery {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        let unreadable = |column| Error::Unreadable { table: "webhook_deliveries", column };
        Ok(Self {
            id: WebhookDeliveryId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            webhook: WebhookId::from_uuid(row.webhook_id),
            event: AuditId::from_uuid(row.event_id),
            event_type: row.event_type,
            payload: row.payload,
            state: DeliveryState::parse(&row.state).ok_or_else(|| unreadable("state"))?,
            attempts: serde_json::from_value(row.attempts).map_err(|_| unreadable("attempts"))?,
            created_at: row.created_at,
            next_attempt_at: row.next_attempt_at,
            finished_at: row.finished_at,
        })
    }
}
