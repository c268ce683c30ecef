//! Installed connectors.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::{
    Classification, Granted, Install, InstallId, InstallStatus, Page, PageArgs, TenantId,
    authz::{
        Permission,
        permission::{InstallRead, InstallWrite, RecordWrite},
    },
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, UpdateMany,
    sea_query::{Expr, ExprTrait},
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Error, Tx,
    entity::{credential, install},
    page,
    scoped::TenantOwned,
    text,
    time::kept,
};

/// Installs of the transaction's tenant.
pub struct Installs<'t> {
    tx: &'t Tx,
}

/// An install to be made. It begins active, at version 1.
#[derive(Debug, Clone)]
pub struct NewInstall {
    pub id: InstallId,
    /// Id in the marketplace.
    pub connector: String,
    /// Unique in the tenant, never changed.
    pub alias: String,
    pub display_name: String,
    pub config: Value,
    pub sync_interval_seconds: Option<i64>,
    pub classification: Classification,
    pub created_at: DateTime<Utc>,
}

/// What to change; `None` leaves a value as it is.
#[derive(Debug, Clone)]
pub struct InstallChange {
    pub display_name: Option<String>,
    /// Other settings: the next sync begins from nothing, because what the last one left belongs to the old ones.
    pub config: Option<Value>,
    pub status: Option<InstallStatus>,
    /// `Some(None)` syncs only when asked from now on.
    pub sync_interval_seconds: Option<Option<i64>>,
    pub classification: Option<Classification>,
    pub updated_at: DateTime<Utc>,
}

// === impl Installs ===

impl<'t> Installs<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<InstallRead>,
        id: InstallId,
    ) -> Result<Install, Error> {
        self.one(granted, id).await
    }

    /// Several by their ids, in no particular order; those that are not there are left out.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn lookup_many(
        &self,
        granted: &Granted<InstallRead>,
        ids: &[InstallId],
    ) -> Result<Vec<Install>, Error> {
        let connection = self.tx.reading(granted)?;
        let ids = ids.iter().map(|id| id.uuid());
        let query = install::Entity::scoped(granted).filter(install::Column::Id.is_in(ids));
        self.nouns(granted, query.all(connection).await?).await
    }

    /// The one with an alias.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_by_alias(
        &self,
        granted: &Granted<InstallRead>,
        alias: &str,
    ) -> Result<Option<Install>, Error> {
        let connection = self.tx.reading(granted)?;
        if !text::is_storable(alias) {
            return Ok(None);
        }
        let query = install::Entity::scoped(granted).filter(install::Column::Alias.eq(alias));
        let rows: Vec<_> = query.one(connection).await?.into_iter().collect();
        Ok(self.nouns(granted, rows).await?.pop())
    }

    /// A page of all, oldest first.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<InstallRead>,
        args: &PageArgs,
    ) -> Result<Page<Install>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = install::Entity::scoped(granted);
        let rows = page::read(query, install::Column::Id, Order::Asc, args, connection).await?;
        let with_credential =
            self.with_credential(granted, rows.items.iter().map(|(_, row)| row.id));
        let with_credential = with_credential.await?;
        page::convert(rows, |row| noun(row, &with_credential))
    }

    /// All that are active, by alias.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list_active(&self, granted: &Granted<InstallRead>) -> Result<Vec<Install>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = install::Entity::scoped(granted)
            .filter(install::Column::Status.eq(InstallStatus::Active.as_str()))
            .order_by_asc(install::Column::Alias);
        self.nouns(granted, query.all(connection).await?).await
    }

    /// Installs a connector.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `alias`.
    pub async fn create(
        &self,
        granted: &Granted<InstallWrite>,
        new: NewInstall,
    ) -> Result<Install, Error> {
        let connection = self.tx.writing(granted)?;
        let at = kept(new.created_at);
        let row = install::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            connector: Set(new.connector),
            alias: Set(text::storable(new.alias)),
            display_name: Set(text::storable(new.display_name)),
            config: Set(text::storable_json(new.config)),
            status: Set(InstallStatus::Active.as_str().to_owned()),
            classification: Set(new.classification.as_str().to_owned()),
            version: Set(1),
            sync_interval_seconds: Set(new.sync_interval_seconds),
            sync_state: Set(None),
            last_synced_at: Set(None),
            record_count: Set(0),
            created_at: Set(at),
            updated_at: Set(at),
        };
        let row = install::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("alias"))?;
        noun(row, &HashSet::new())
    }

    /// Changes one and counts its version up.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Stale`] when its version is not the expected one.
    pub async fn update(
        &self,
        granted: &Granted<InstallWrite>,
        id: InstallId,
        expected_version: Option<i64>,
        change: InstallChange,
    ) -> Result<Install, Error> {
        let connection = self.tx.writing(granted)?;
        let mut update = counted_up(granted, id)
            .col_expr(install::Column::UpdatedAt, Expr::value(kept(change.updated_at)));
        if let Some(name) = change.display_name {
            update =
                update.col_expr(install::Column::DisplayName, Expr::value(text::storable(name)));
        }
        if let Some(config) = change.config {
            let config = text::storable_json(config);
            update = update
                .col_expr(install::Column::Config, Expr::value(config))
                .col_expr(install::Column::SyncState, Expr::value(None::<Value>));
        }
        if let Some(status) = change.status {
            update = update.col_expr(install::Column::Status, Expr::value(status.as_str()));
        }
        if let Some(level) = change.classification {
            update = update.col_expr(install::Column::Classification, Expr::value(level.as_str()));
        }
        if let Some(seconds) = change.sync_interval_seconds {
            update = update.col_expr(install::Column::SyncIntervalSeconds, Expr::value(seconds));
        }
        if let Some(version) = expected_version {
            update = update.filter(install::Column::Version.eq(version));
        }
        let changed = update.exec(connection).await?.rows_affected;
        let install = self.one(granted, id).await?;
        if changed == 0 { Err(Error::Stale) } else { Ok(install) }
    }

    /// Removes one with its credential, runs and records.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove(
        &self,
        granted: &Granted<InstallWrite>,
        id: InstallId,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let removed = install::Entity::scoped_delete(granted)
            .filter(install::Column::Id.eq(id.uuid()))
            .exec(connection)
            .await?;
        if removed.rows_affected == 0 { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Notes the end of a successful sync and what the connector wants to know the next time.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn set_synced(
        &self,
        granted: &Granted<RecordWrite>,
        id: InstallId,
        at: DateTime<Utc>,
        state: Option<Value>,
    ) -> Result<(), Error> {
        let update = install::Entity::scoped_update(granted)
            .filter(install::Column::Id.eq(id.uuid()))
            .col_expr(install::Column::LastSyncedAt, Expr::value(kept(at)))
            .col_expr(install::Column::SyncState, Expr::value(state.map(text::storable_json)));
        self.change_one(granted, update).await
    }

    /// What the last successful sync left for the next.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn sync_state(
        &self,
        granted: &Granted<InstallRead>,
        id: InstallId,
    ) -> Result<Option<Value>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = install::Entity::scoped(granted).filter(install::Column::Id.eq(id.uuid()));
        Ok(query.one(connection).await?.ok_or(Error::NotFound)?.sync_state)
    }

    /// The upstream refuses the credential: hides the install from clients until a new one is given.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn mark_reauth(
        &self,
        granted: &Granted<RecordWrite>,
        id: InstallId,
    ) -> Result<(), Error> {
        let status = Expr::value(InstallStatus::NeedsReauth.as_str());
        let update = counted_up(granted, id).col_expr(install::Column::Status, status);
        self.change_one(granted, update).await
    }

    /// Keeps the number of an install's records in step with a change of its records.
    pub(crate) async fn count_records(
        &self,
        granted: &Granted<RecordWrite>,
        id: InstallId,
        more: i64,
    ) -> Result<(), Error> {
        if more == 0 {
            return Ok(());
        }
        let count = Expr::col(install::Column::RecordCount).add(more);
        let update = install::Entity::scoped_update(granted)
            .filter(install::Column::Id.eq(id.uuid()))
            .col_expr(install::Column::RecordCount, count);
        self.change_one(granted, update).await
    }

    async fn change_one<P: Permission>(
        &self,
        granted: &Granted<P>,
        update: UpdateMany<install::Entity>,
    ) -> Result<(), Error> {
        let changed = update.exec(self.tx.writing(granted)?).await?;
        if changed.rows_affected == 0 { Err(Error::NotFound) } else { Ok(()) }
    }

    async fn one<P: Permission>(
        &self,
        granted: &Granted<P>,
        id: InstallId,
    ) -> Result<Install, Error> {
        let connection = self.tx.reading(granted)?;
        let query = install::Entity::scoped(granted).filter(install::Column::Id.eq(id.uuid()));
        let row = query.one(connection).await?.ok_or(Error::NotFound)?;
        self.nouns(granted, vec![row]).await?.pop().ok_or(Error::NotFound)
    }

    async fn nouns<P: Permission>(
        &self,
        granted: &Granted<P>,
        rows: Vec<install::Model>,
    ) -> Result<Vec<Install>, Error> {
        let with_credential = self.with_credential(granted, rows.iter().map(|row| row.id)).await?;
        rows.into_iter().map(|row| noun(row, &with_credential)).collect()
    }

    /// Which of these installs have a credential.
    async fn with_credential<P: Permission>(
        &self,
        granted: &Granted<P>,
        installs: impl Iterator<Item = Uuid>,
    ) -> Result<HashSet<Uuid>, Error> {
        let connection = self.tx.reading(granted)?;
        let found = credential::Entity::scoped(granted)
            .select_only()
            .column(credential::Column::InstallId)
            .filter(credential::Column::InstallId.is_in(installs))
            .into_tuple::<Uuid>()
            .all(connection)
            .await?;
        Ok(found.into_iter().collect())
    }
}

fn counted_up<P: Permission>(granted: &Granted<P>, id: InstallId) -> UpdateMany<install::Entity> {
    install::Entity::scoped_update(granted)
        .filter(install::Column::Id.eq(id.uuid()))
        .col_expr(install::Column::Version, Expr::col(install::Column::Version).add(1))
}

fn noun(row: install::Model, with_credential: &HashSet<Uuid>) -> Result<Install, Error> {
    let status = InstallStatus::parse(&row.status)
        .ok_or(Error::Unreadable { table: "installs", column: "status" })?;
    let classification = Classification::parse(&row.classification)
        .ok_or(Error::Unreadable { table: "installs", column: "classification" })?;
    Ok(Install {
        id: InstallId::from_uuid(row.id),
        tenant: TenantId::from_uuid(row.tenant_id),
        connector: row.connector,
        alias: row.alias,
        display_name: row.display_name,
        config: row.config,
        status,
        classification,
        has_credential: with_credential.contains(&row.id),
        version: row.version,
        sync_interval_seconds: row.sync_interval_seconds,
        last_synced_at: row.last_synced_at,
        record_count: row.record_count,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
