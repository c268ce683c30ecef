//! What an organisation wants of its audit log, and the keys that have signed checkpoints.

use chrono::{DateTime, Utc};
use domain::{
    Granted,
    audit::{AuditSettings, Overload, PublicKey},
    authz::{Permission, permission::TenantWrite},
};
use sea_orm::{ActiveValue::Set, EntityTrait, QueryOrder, sea_query::OnConflict};

use crate::{
    Audit, Error, Store,
    entity::{audit_key, audit_setting},
    scoped::{Global, TenantOwned},
    time::kept,
};

/// Public keys of checkpoints, of all organisations.
pub struct AuditKeys<'s> {
    store: &'s Store,
}

/// A key that has signed checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditKey {
    pub key: PublicKey,
    pub first_used_at: DateTime<Utc>,
}

// === impl Audit ===

impl Audit<'_> {
    /// What the organisation wants; the defaults when it never said.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn settings<P: Permission>(
        &self,
        granted: &Granted<P>,
    ) -> Result<AuditSettings, Error> {
        let connection = self.tx.reading(granted)?;
        let row = audit_setting::Entity::scoped(granted).one(connection).await?;
        row.map_or_else(|| Ok(AuditSettings::default()), AuditSettings::try_from)
    }

    /// Keeps what the organisation wants.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn keep_settings(
        &self,
        granted: &Granted<TenantWrite>,
        settings: &AuditSettings,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        use audit_setting::Column;
        let connection = self.tx.writing(granted)?;
        let row = audit_setting::ActiveModel {
            tenant_id: Set(granted.tenant().uuid()),
            keep_arguments: Set(settings.keep_arguments),
            retention_days: Set(settings.retention_days.map(i64::from)),
            overload: Set(settings.overload.map(|it| it.as_str().to_owned())),
            updated_at: Set(kept(at)),
        };
        let instead = OnConflict::column(Column::TenantId)
            .update_columns([
                Column::KeepArguments,
                Column::RetentionDays,
                Column::Overload,
                Column::UpdatedAt,
            ])
            .to_owned();
        audit_setting::Entity::insert(row)
            .on_conflict(instead)
            .exec_without_returning(connection)
            .await?;
        Ok(())
    }
}

// === impl AuditKeys ===

impl<'s> AuditKeys<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Notes that a key signs from now on. Noting it again changes nothing.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn note(&self, key: PublicKey, at: DateTime<Utc>) -> Result<(), Error> {
        let _turn = self.store.take_turn().await?;
        let row = audit_key::ActiveModel {
            id: Set(key.id()),
            public_key: Set(key.to_hex()),
            first_used_at: Set(kept(at)),
        };
        audit_key::Entity::insert(row)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(self.store.connection())
            .await?;
        Ok(())
    }

    /// Every key that ever signed, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list(&self) -> Result<Vec<AuditKey>, Error> {
        let query = audit_key::Entity::all().order_by_asc(audit_key::Column::FirstUsedAt);
        let rows = query.all(self.store.connection()).await?;
        rows.into_iter().map(AuditKey::try_from).collect()
    }
}

impl TryFrom<audit_setting::Model> for AuditSettings {
    type Error = Error;

    fn try_from(row: audit_setting::Model) -> Result<Self, Error> {
        let unreadable = |column| Error::Unreadable { table: "audit_settings", column };
        let overload =
            row.overload.map(|word| Overload::parse(&word).ok_or(unreadable("overload")));
        let days = row.retention_days.map(u32::try_from).transpose();
        Ok(Self {
            keep_arguments: row.keep_arguments,
            retention_days: days.map_err(|_| unreadable("retention_days"))?,
            overload: overload.transpose()?,
        })
    }
}

impl TryFrom<audit_key::Model> for AuditKey {
    type Error = Error;

    fn try_from(row: audit_key::Model) -> Result<Self, Error> {
        let key = PublicKey::from_hex(&row.public_key)
            .map_err(|_| Error::Unreadable { table: "audit_keys", column: "public_key" })?;
        Ok(Self { key, first_used_at: row.first_used_at })
    }
}
