//! Versions of an organisation's policies. A version is written once and never changed.

use chrono::{DateTime, Utc};
use domain::{
    Granted, Page, PageArgs, PolicySet, PolicySetId, TenantId,
    authz::{
        Permission,
        permission::{PolicyRead, PolicyWrite},
    },
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::Value;

use crate::{Error, Tx, entity::policy_set, page, scoped::TenantOwned, text, time::kept};

/// Versions of the policies of the transaction's tenant.
pub struct Policies<'t> {
    tx: &'t Tx,
}

/// A version to be kept.
#[derive(Debug, Clone)]
pub struct NewPolicySet {
    pub id: PolicySetId,
    /// One more than the newest.
    pub version: i64,
    pub sources: Value,
    pub author: String,
    pub note: String,
    pub created_at: DateTime<Utc>,
}

// === impl Policies ===

impl<'t> Policies<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// The number of the version that counts; 0 when there is none yet. Takes a grant of any permission: what decides about a
    /// caller has to be read on behalf of every caller.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn current_version<P: Permission>(&self, granted: &Granted<P>) -> Result<i64, Error> {
        let connection = self.tx.reading(granted)?;
        let newest = policy_set::Entity::scoped(granted)
            .select_only()
            .column(policy_set::Column::Version)
            .order_by_desc(policy_set::Column::Version)
            .into_tuple::<i64>()
            .one(connection)
            .await?;
        Ok(newest.unwrap_or(0))
    }

    /// A version by its number. Takes a grant of any permission, as [`Policies::current_version`].
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find<P: Permission>(
        &self,
        granted: &Granted<P>,
        version: i64,
    ) -> Result<Option<PolicySet>, Error> {
        let connection = self.tx.reading(granted)?;
        let query =
            policy_set::Entity::scoped(granted).filter(policy_set::Column::Version.eq(version));
        Ok(query.one(connection).await?.map(PolicySet::from))
    }

    /// A version by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<PolicyRead>,
        id: PolicySetId,
    ) -> Result<PolicySet, Error> {
        let connection = self.tx.reading(granted)?;
        let query =
            policy_set::Entity::scoped(granted).filter(policy_set::Column::Id.eq(id.uuid()));
        query.one(connection).await?.map(PolicySet::from).ok_or(Error::NotFound)
    }

    /// Versions, newest first.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<PolicyRead>,
        args: &PageArgs,
    ) -> Result<Page<PolicySet>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = policy_set::Entity::scoped(granted);
        let rows = page::read(query, policy_set::Column::Id, Order::Desc, args, connection).await?;
        page::convert(rows, |row| Ok(row.into()))
    }

    /// Keeps a version.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `version` when somebody else has made it.
    pub async fn create(
        &self,
        granted: &Granted<PolicyWrite>,
        new: NewPolicySet,
    ) -> Result<PolicySet, Error> {
        let connection = self.tx.writing(granted)?;
        let row = policy_set::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            version: Set(new.version),
            sources: Set(text::storable_json(new.sources)),
            author: Set(new.author),
            note: Set(text::storable(new.note)),
            created_at: Set(kept(new.created_at)),
        };
        let row = policy_set::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("version"))?;
        Ok(row.into())
    }
}

impl From<policy_set::Model> for PolicySet {
    fn from(row: policy_set::Model) -> Self {
        Self {
            id: PolicySetId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            version: row.version,
            sources: row.sources,
            author: row.author,
            note: row.note,
            created_at: row.created_at,
        }
    }
}
