//! Sealed secrets of installs. This crate cannot open them.

use chrono::DateTime;
use domain::{
    Credential, CredentialId, Granted, InstallId, TenantId,
    authz::permission::{CredentialOpen, CredentialWrite},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use crate::{Error, Tx, entity::credential, scoped::TenantOwned};

/// Sealed secrets of the transaction's tenant.
pub struct Credentials<'t> {
    tx: &'t Tx,
}

/// A credential to be kept. The time of its making is in its id.
#[derive(Debug, Clone)]
pub struct NewCredential {
    pub id: CredentialId,
    pub install: InstallId,
    /// Part of the associated data of the seal, with the id.
    pub version: i64,
    pub sealed: Vec<u8>,
}

// === impl Credentials ===

impl<'t> Credentials<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// Keeps the credential of an install in place of the one it had.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such install.
    pub async fn put(
        &self,
        granted: &Granted<CredentialWrite>,
        new: NewCredential,
    ) -> Result<(), Error> {
        self.remove(granted, new.install).await?;
        let row = credential::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            install_id: Set(new.install.uuid()),
            version: Set(new.version),
            sealed: Set(new.sealed),
            created_at: Set(made_at(new.id)),
        };
        credential::Entity::insert(row)
            .exec_without_returning(self.tx.writing(granted)?)
            .await
            .map_err(Error::of_write("id"))?;
        Ok(())
    }

    /// Forgets the credential of an install. None is fine.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn remove(
        &self,
        granted: &Granted<CredentialWrite>,
        install: InstallId,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        credential::Entity::scoped_delete(granted)
            .filter(credential::Column::InstallId.eq(install.uuid()))
            .exec(connection)
            .await?;
        Ok(())
    }

    /// The sealed credential of an install.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn open(
        &self,
        granted: &Granted<CredentialOpen>,
        install: InstallId,
    ) -> Result<Option<Credential>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = credential::Entity::scoped(granted)
            .filter(credential::Column::InstallId.eq(install.uuid()));
        Ok(query.one(connection).await?.map(Credential::from))
    }
}

impl From<credential::Model> for Credential {
    fn from(row: credential::Model) -> Self {
        Self {
            id: CredentialId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            install: InstallId::from_uuid(row.install_id),
            version: row.version,
            sealed: row.sealed,
            created_at: row.created_at,
        }
    }
}

/// The millisecond in a UUIDv7 (RFC 9562 section 5.7); the epoch for an id that holds no time.
fn made_at(id: CredentialId) -> DateTime<chrono::Utc> {
    let (seconds, nanos) = id.uuid().get_timestamp().map_or((0, 0), |time| time.to_unix());
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, nanos))
        .unwrap_or_default()
}
