//! Addresses that are told of events, and the sealed keys that sign what they are told.

use chrono::{DateTime, Utc};
use domain::{
    Granted, Page, PageArgs, TenantId, Webhook, WebhookId, WebhookSecret, WebhookSecretId,
    authz::permission::{CredentialOpen, WebhookRead, WebhookWrite},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, Order, PaginatorTrait, QueryFilter,
    QueryOrder, sea_query::Expr,
};
use serde_json::json;

use crate::{
    Error, Tx,
    entity::{webhook as row, webhook_secret as secret},
    page,
    scoped::TenantOwned,
    text,
    time::kept,
};

/// Webhooks of the transaction's tenant.
pub struct Webhooks<'t> {
    tx: &'t Tx,
}

/// A webhook to be made, enabled.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    pub id: WebhookId,
    pub url: String,
    pub description: String,
    pub event_types: Vec<String>,
    /// It is told what comes after this entry of the audit log.
    pub seq: i64,
    pub created_at: DateTime<Utc>,
}

/// What becomes of a webhook.
#[derive(Debug, Clone)]
pub struct WebhookChange {
    pub url: String,
    pub description: String,
    pub event_types: Vec<String>,
    pub enabled: bool,
    pub disabled_reason: Option<String>,
    /// The entry of the audit log after which it goes on; `None` leaves it where it is.
    pub seq: Option<i64>,
    /// The version that was changed.
    pub expected_version: i64,
    pub updated_at: DateTime<Utc>,
}

/// A key to be kept.
#[derive(Debug, Clone)]
pub struct NewWebhookSecret {
    pub id: WebhookSecretId,
    pub webhook: WebhookId,
    /// Part of the associated data of the seal, with the id.
    pub version: i64,
    pub sealed: Vec<u8>,
    pub created_at: DateTime<Utc>,
}

/// A key at its place, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedWebhookSecret {
    pub id: WebhookSecretId,
    pub version: i64,
    pub sealed: Vec<u8>,
}

// === impl Webhooks ===

impl<'t> Webhooks<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// Webhooks, oldest first.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<WebhookRead>,
        args: &PageArgs,
    ) -> Result<Page<Webhook>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = row::Entity::scoped(granted);
        let rows = page::read(query, row::Column::Id, Order::Asc, args, connection).await?;
        page::convert(rows, Webhook::try_from)
    }

    /// Those that are to be told.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list_enabled(
        &self,
        granted: &Granted<WebhookRead>,
    ) -> Result<Vec<Webhook>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = row::Entity::scoped(granted)
            .filter(row::Column::Enabled.eq(true))
            .order_by_asc(row::Column::Id);
        query.all(connection).await?.into_iter().map(Webhook::try_from).collect()
    }

    /// How many there are.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn count(&self, granted: &Granted<WebhookRead>) -> Result<u64, Error> {
        let connection = self.tx.reading(granted)?;
        Ok(row::Entity::scoped(granted).count(connection).await?)
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<WebhookRead>,
        id: WebhookId,
    ) -> Result<Webhook, Error> {
        let connection = self.tx.reading(granted)?;
        let query = row::Entity::scoped(granted).filter(row::Column::Id.eq(id.uuid()));
        query.one(connection).await?.ok_or(Error::NotFound)?.try_into()
    }

    /// Adds one.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn create(
        &self,
        granted: &Granted<WebhookWrite>,
        new: NewWebhook,
    ) -> Result<Webhook, Error> {
        let connection = self.tx.writing(granted)?;
        let at = kept(new.created_at);
        let row = row::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            url: Set(new.url),
            description: Set(text::storable(new.description)),
            event_types: Set(json!(new.event_types)),
            enabled: Set(true),
            disabled_reason: Set(None),
            failing_since: Set(None),
            seq: Set(new.seq),
            version: Set(1),
            created_at: Set(at),
            updated_at: Set(at),
        };
        let row = row::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("id"))?;
        row.try_into()
    }

    /// Changes one.
    ///
    /// # Errors
    /// [`Error::Stale`] when it was changed in the meantime.
    pub async fn update(
        &self,
        granted: &Granted<WebhookWrite>,
        id: WebhookId,
        change: WebhookChange,
    ) -> Result<Webhook, Error> {
        let connection = self.tx.writing(granted)?;
        let mut update = row::Entity::scoped_update(granted)
            .col_expr(row::Column::Url, Expr::value(change.url))
            .col_expr(row::Column::Description, Expr::value(text::storable(change.description)))
            .col_expr(row::Column::EventTypes, Expr::value(json!(change.event_types)))
            .col_expr(row::Column::Enabled, Expr::value(change.enabled))
            .col_expr(row::Column::DisabledReason, Expr::value(change.disabled_reason))
            .col_expr(row::Column::Version, Expr::value(change.expected_version + 1))
            .col_expr(row::Column::UpdatedAt, Expr::value(kept(change.updated_at)));
        if let Some(seq) = change.seq {
            update = update.col_expr(row::Column::Seq, Expr::value(seq));
        }
        let rows = update
            .filter(row::Column::Id.eq(id.uuid()))
            .filter(row::Column::Version.eq(change.expected_version))
            .exec_with_returning(connection)
            .await?;
        rows.into_iter().next().ok_or(Error::Stale)?.try_into()
    }

    /// Notes how the last delivery went: since when they fail, `None` when it succeeded. A beginning that is there stays.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn note_failing(
        &self,
        granted: &Granted<WebhookWrite>,
        id: WebhookId,
        since: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let before = match since {
            Some(_) => row::Column::FailingSince.is_null(),
            None => row::Column::FailingSince.is_not_null(),
        };
        row::Entity::scoped_update(granted)
            .col_expr(row::Column::FailingSince, Expr::value(since.map(kept)))
            .filter(row::Column::Id.eq(id.uuid()))
            .filter(before)
            .exec(connection)
            .await?;
        Ok(())
    }

    /// Moves on to a number of the audit log, if it still stands where it was read. `false` when somebody else moved it.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn advance(
        &self,
        granted: &Granted<WebhookWrite>,
        id: WebhookId,
        (from, to): (i64, i64),
    ) -> Result<bool, Error> {
        let connection = self.tx.writing(granted)?;
        let moved = row::Entity::scoped_update(granted)
            .col_expr(row::Column::Seq, Expr::value(to))
            .filter(row::Column::Id.eq(id.uuid()))
            .filter(row::Column::Seq.eq(from))
            .filter(row::Column::Enabled.eq(true))
            .exec(connection)
            .await?;
        Ok(moved.rows_affected > 0)
    }

    /// Removes one with its keys and deliveries.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove(
        &self,
        granted: &Granted<WebhookWrite>,
        id: WebhookId,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let removed = row::Entity::scoped_delete(granted)
            .filter(row::Column::Id.eq(id.uuid()))
            .exec(connection)
            .await?;
        if removed.rows_affected == 0 { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Keeps a key. Earlier ones end at a time, unless they end before it; those that have ended are removed.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such webhook.
    pub async fn put_secret(
        &self,
        granted: &Granted<WebhookWrite>,
        new: NewWebhookSecret,
        earlier_end_at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let of_webhook = secret::Column::WebhookId.eq(new.webhook.uuid());
        let later = Condition::any()
            .add(secret::Column::ExpiresAt.is_null())
            .add(secret::Column::ExpiresAt.gt(kept(earlier_end_at)));
        secret::Entity::scoped_update(granted)
            .col_expr(secret::Column::ExpiresAt, Expr::value(kept(earlier_end_at)))
            .filter(of_webhook.clone())
            .filter(later)
            .exec(connection)
            .await?;
        secret::Entity::scoped_delete(granted)
            .filter(of_webhook)
            .filter(secret::Column::ExpiresAt.lte(kept(new.created_at)))
            .exec(connection)
            .await?;
        let row = secret::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            webhook_id: Set(new.webhook.uuid()),
            version: Set(new.version),
            sealed: Set(new.sealed),
            created_at: Set(kept(new.created_at)),
            expires_at: Set(None),
        };
        secret::Entity::insert(row)
            .exec_without_returning(connection)
            .await
            .map_err(Error::of_write("id"))?;
        Ok(())
    }

    /// The keys of a webhook that sign now, newest first, without the keys.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list_secrets(
        &self,
        granted: &Granted<WebhookRead>,
        id: WebhookId,
        now: DateTime<Utc>,
    ) -> Result<Vec<WebhookSecret>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = secret::Entity::scoped(granted).filter(live(id, now));
        let rows = query.order_by_desc(secret::Column::Id).all(connection).await?;
        Ok(rows.into_iter().map(WebhookSecret::from).collect())
    }

    /// The sealed keys of a webhook that sign now, newest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn open_secrets(
        &self,
        granted: &Granted<CredentialOpen>,
        id: WebhookId,
        now: DateTime<Utc>,
    ) -> Result<Vec<SealedWebhookSecret>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = secret::Entity::scoped(granted).filter(live(id, now));
        let rows = query.order_by_desc(secret::Column::Id).all(connection).await?;
        let sealed = |row: secret::Model| SealedWebhookSecret {
            id: WebhookSecretId::from_uuid(row.id),
            version: row.version,
            sealed: row.sealed,
        };
        Ok(rows.into_iter().map(sealed).collect())
    }
}

fn live(id: WebhookId, now: DateTime<Utc>) -> Condition {
    let not_ended = Condition::any()
        .add(secret::Column::ExpiresAt.is_null())
        .add(secret::Column::ExpiresAt.gt(kept(now)));
    Condition::all().add(secret::Column::WebhookId.eq(id.uuid())).add(not_ended)
}

impl From<secret::Model> for WebhookSecret {
    fn from(row: secret::Model) -> Self {
        Self {
            id: WebhookSecretId::from_uuid(row.id),
            webhook: WebhookId::from_uuid(row.webhook_id),
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

impl TryFrom<row::Model> for Webhook {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        let unreadable = Error::Unreadable { table: "webhooks", column: "event_types" };
        Ok(Self {
            id: WebhookId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            url: row.url,
            description: row.description,
            event_types: serde_json::from_value(row.event_types).map_err(|_| unreadable)?,
            enabled: row.enabled,
            disabled_reason: row.disabled_reason,
            failing_since: row.failing_since,
            seq: row.seq,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}
