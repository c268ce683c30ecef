//! An organisation's data keys, wrapped, in versions; and the rotations from one to the next.

use chrono::{DateTime, Utc};
use domain::{
    DataKeyState, DataKeyVersion, Granted, KeyRotation, KeyRotationId, Page, PageArgs, TenantId,
    authz::{
        Permission,
        permission::{CredentialOpen, CredentialWrite, KeyRotate, TenantDelete},
    },
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};

use crate::{
    Error, Tx,
    entity::{data_key_version as key, key_rotation as rotation},
    page,
    scoped::TenantOwned,
    time::kept,
};

/// The data keys of the transaction's tenant.
pub struct DataKeys<'t> {
    tx: &'t Tx,
}

/// A wrapped data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedVersion {
    /// From 1.
    pub version: u32,
    pub wrapped: Vec<u8>,
}

/// A version to be kept.
#[derive(Debug, Clone)]
pub struct NewDataKey {
    pub version: u32,
    pub wrapped: Vec<u8>,
    /// Name of the key that wrapped it.
    pub wrapped_by: String,
    pub created_at: DateTime<Utc>,
}

// === impl DataKeys ===

impl<'t> DataKeys<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// The version that seals what is written. It stays the current one until the transaction ends: a rotation waits.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn hold_current(
        &self,
        granted: &Granted<CredentialWrite>,
    ) -> Result<Option<WrappedVersion>, Error> {
        let connection = self.tx.writing(granted)?;
        let query = key::Entity::scoped(granted)
            .filter(key::Column::State.eq(DataKeyState::Current.as_str()))
            .lock_shared();
        query.one(connection).await?.map_or(Ok(None), wrapped)
    }

    /// A version by its number. `None` when it was never there, or is retired.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find(
        &self,
        granted: &Granted<CredentialOpen>,
        version: u32,
    ) -> Result<Option<WrappedVersion>, Error> {
        let connection = self.tx.reading(granted)?;
        let query =
            key::Entity::scoped(granted).filter(key::Column::Version.eq(i64::from(version)));
        query.one(connection).await?.map_or(Ok(None), wrapped)
    }

    /// Every version that still opens something, wrapped.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list_live(
        &self,
        granted: &Granted<KeyRotate>,
    ) -> Result<Vec<WrappedVersion>, Error> {
        let connection = self.tx.reading(granted)?;
        let rows = key::Entity::scoped(granted)
            .filter(key::Column::State.ne(DataKeyState::Retired.as_str()))
            .order_by_asc(key::Column::Version)
            .all(connection)
            .await?;
        Ok(rows
            .into_iter()
            .map(wrapped)
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// What is known of every version, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list(&self, granted: &Granted<KeyRotate>) -> Result<Vec<DataKeyVersion>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = key::Entity::scoped(granted).order_by_asc(key::Column::Version);
        query.all(connection).await?.into_iter().map(DataKeyVersion::try_from).collect()
    }

    /// Keeps the tenant's first data key.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `data_key` when there is one already: use that.
    pub async fn create(
        &self,
        granted: &Granted<CredentialWrite>,
        new: NewDataKey,
    ) -> Result<(), Error> {
        self.insert(granted, new).await
    }

    /// Makes a version the current one; the one before begins to retire. Waits for those who are writing under it.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `data_key` when somebody else did so.
    pub async fn succeed(
        &self,
        granted: &Granted<KeyRotate>,
        new: NewDataKey,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        key::Entity::scoped_update(granted)
            .col_expr(key::Column::State, Expr::value(DataKeyState::Retiring.as_str()))
            .filter(key::Column::State.eq(DataKeyState::Current.as_str()))
            .exec(connection)
            .await?;
        self.insert(granted, new).await
    }

    /// Keeps the same key wrapped otherwise, if it is still wrapped as it was. `false` when it is not.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn rewrap(
        &self,
        granted: &Granted<KeyRotate>,
        was: &WrappedVersion,
        now: Vec<u8>,
        wrapped_by: &str,
    ) -> Result<bool, Error> {
        let connection = self.tx.writing(granted)?;
        let done = key::Entity::scoped_update(granted)
            .col_expr(key::Column::Wrapped, Expr::value(now))
            .col_expr(key::Column::WrappedBy, Expr::value(wrapped_by))
            .filter(key::Column::Version.eq(i64::from(was.version)))
            .filter(key::Column::Wrapped.eq(was.wrapped.clone()))
            .exec(connection)
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// Destroys every version that is not the current one.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn retire(
        &self,
        granted: &Granted<KeyRotate>,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let states = [DataKeyState::Retiring.as_str()];
        self.destroy(granted, &states, at).await.map(drop)
    }

    /// Destroys every version: whatever is sealed under them is lost, here and in every backup. Gives how many there were.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn shred(
        &self,
        granted: &Granted<TenantDelete>,
        at: DateTime<Utc>,
    ) -> Result<u64, Error> {
        let states = [DataKeyState::Current.as_str(), DataKeyState::Retiring.as_str()];
        self.destroy(granted, &states, at).await
    }

    /// Keeps a rotation that begins.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `rotation` while another one is under way.
    pub async fn begin_rotation(
        &self,
        granted: &Granted<KeyRotate>,
        new: &KeyRotation,
    ) -> Result<(), Error> {
        let row = rotation::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            to_version: Set(i64::from(new.to_version)),
            total: Set(new.total),
            done: Set(new.done),
            started_at: Set(kept(new.started_at)),
            finished_at: Set(None),
        };
        rotation::Entity::insert(row)
            .exec_without_returning(self.tx.writing(granted)?)
            .await
            .map_err(Error::of_write("rotation"))?;
        Ok(())
    }

    /// A rotation by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup_rotation(
        &self,
        granted: &Granted<KeyRotate>,
        id: KeyRotationId,
    ) -> Result<KeyRotation, Error> {
        let query = rotation::Entity::scoped(granted).filter(rotation::Column::Id.eq(id.uuid()));
        let row = query.one(self.tx.reading(granted)?).await?;
        row.ok_or(Error::NotFound)?.try_into()
    }

    /// Rotations, newest first.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list_rotations(
        &self,
        granted: &Granted<KeyRotate>,
        args: &PageArgs,
    ) -> Result<Page<KeyRotation>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = rotation::Entity::scoped(granted);
        let rows = page::read(query, rotation::Column::Id, Order::Desc, args, connection).await?;
        page::convert(rows, KeyRotation::try_from)
    }

    /// Counts secrets that are sealed under the new version.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn advance_rotation(
        &self,
        granted: &Granted<KeyRotate>,
        id: KeyRotationId,
        more: i64,
    ) -> Result<(), Error> {
        rotation::Entity::scoped_update(granted)
            .col_expr(rotation::Column::Done, Expr::col(rotation::Column::Done).add(more))
            .filter(rotation::Column::Id.eq(id.uuid()))
            .exec(self.tx.writing(granted)?)
            .await?;
        Ok(())
    }

    /// Ends a rotation.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn finish_rotation(
        &self,
        granted: &Granted<KeyRotate>,
        id: KeyRotationId,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        rotation::Entity::scoped_update(granted)
            .col_expr(rotation::Column::FinishedAt, Expr::value(kept(at)))
            .filter(rotation::Column::Id.eq(id.uuid()))
            .exec(self.tx.writing(granted)?)
            .await?;
        Ok(())
    }

    async fn insert<P: Permission>(
        &self,
        granted: &Granted<P>,
        new: NewDataKey,
    ) -> Result<(), Error> {
        let row = key::ActiveModel {
            tenant_id: Set(granted.tenant().uuid()),
            version: Set(i64::from(new.version)),
            wrapped: Set(Some(new.wrapped)),
            wrapped_by: Set(new.wrapped_by),
            state: Set(DataKeyState::Current.as_str().to_owned()),
            created_at: Set(kept(new.created_at)),
            retired_at: Set(None),
        };
        key::Entity::insert(row)
            .exec_without_returning(self.tx.writing(granted)?)
            .await
            .map_err(Error::of_write("data_key"))?;
        Ok(())
    }

    async fn destroy<P: Permission>(
        &self,
        granted: &Granted<P>,
        states: &[&str],
        at: DateTime<Utc>,
    ) -> Result<u64, Error> {
        let done = key::Entity::scoped_update(granted)
            .col_expr(key::Column::State, Expr::value(DataKeyState::Retired.as_str()))
            .col_expr(key::Column::Wrapped, Expr::value(None::<Vec<u8>>))
            .col_expr(key::Column::RetiredAt, Expr::value(kept(at)))
            .filter(key::Column::State.is_in(states.iter().copied()))
            .exec(self.tx.writing(granted)?)
            .await?;
        Ok(done.rows_affected)
    }
}

fn wrapped(row: key::Model) -> Result<Option<WrappedVersion>, Error> {
    let version = number(row.version)?;
    Ok(row.wrapped.map(|wrapped| WrappedVersion { version, wrapped }))
}

fn number(version: i64) -> Result<u32, Error> {
    let unreadable = Error::Unreadable { table: "data_key_versions", column: "version" };
    u32::try_from(version).map_err(|_| unreadable)
}

impl TryFrom<key::Model> for DataKeyVersion {
    type Error = Error;

    fn try_from(row: key::Model) -> Result<Self, Error> {
        let state = DataKeyState::parse(&row.state);
        Ok(Self {
            tenant: TenantId::from_uuid(row.tenant_id),
            version: number(row.version)?,
            state: state
                .ok_or(Error::Unreadable { table: "data_key_versions", column: "state" })?,
            wrapped_by: row.wrapped_by,
            created_at: row.created_at,
            retired_at: row.retired_at,
        })
    }
}

impl TryFrom<rotation::Model> for KeyRotation {
    type Error = Error;

    fn try_from(row: rotation::Model) -> Result<Self, Error> {
        Ok(Self {
            id: KeyRotationId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            to_version: number(row.to_version)?,
            total: row.total,
            done: row.done,
            started_at: row.started_at,
            finished_at: row.finished_at,
        })
    }
}
