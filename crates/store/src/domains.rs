//! Domains of an organisation: claimed, and proven ones that lead to it.

use chrono::{DateTime, Utc};
use domain::{
    Domain, DomainId, Granted, Page, PageArgs, TenantId,
    authz::permission::{IdentityRead, IdentityWrite},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, Order, QueryFilter, sea_query::Expr};

use crate::{
    Error, Tx,
    entity::{domain as row, verified_domain},
    page,
    scoped::TenantOwned,
    text,
    time::kept,
};

/// Domains of the transaction's tenant.
pub struct Domains<'t> {
    tx: &'t Tx,
}

/// A domain to be claimed.
#[derive(Debug, Clone)]
pub struct NewDomain {
    pub id: DomainId,
    pub name: String,
    pub token: String,
    pub created_at: DateTime<Utc>,
}

// === impl Domains ===

impl<'t> Domains<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// Domains, oldest first.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<IdentityRead>,
        args: &PageArgs,
    ) -> Result<Page<Domain>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = row::Entity::scoped(granted);
        let rows = page::read(query, row::Column::Id, Order::Asc, args, connection).await?;
        page::convert(rows, |row| Ok(row.into()))
    }

    /// A domain by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<IdentityRead>,
        id: DomainId,
    ) -> Result<Domain, Error> {
        let connection = self.tx.reading(granted)?;
        let query = row::Entity::scoped(granted).filter(row::Column::Id.eq(id.uuid()));
        query.one(connection).await?.map(Domain::from).ok_or(Error::NotFound)
    }

    /// Proven domains that were last looked at before a time.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list_due(
        &self,
        granted: &Granted<IdentityRead>,
        before: DateTime<Utc>,
    ) -> Result<Vec<Domain>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = row::Entity::scoped(granted)
            .filter(row::Column::VerifiedAt.is_not_null())
            .filter(row::Column::CheckedAt.lt(kept(before)));
        Ok(query.all(connection).await?.into_iter().map(Domain::from).collect())
    }

    /// Whether the organisation has proven a domain.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn owns(&self, granted: &Granted<IdentityRead>, name: &str) -> Result<bool, Error> {
        let connection = self.tx.reading(granted)?;
        if !text::is_storable(name) {
            return Ok(false);
        }
        let query =
            verified_domain::Entity::scoped(granted).filter(verified_domain::Column::Name.eq(name));
        Ok(query.one(connection).await?.is_some())
    }

    /// Claims a domain.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `name` when this organisation claims it already.
    pub async fn create(
        &self,
        granted: &Granted<IdentityWrite>,
        new: NewDomain,
    ) -> Result<Domain, Error> {
        let connection = self.tx.writing(granted)?;
        let row = row::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            name: Set(new.name),
            token: Set(new.token),
            created_at: Set(kept(new.created_at)),
            verified_at: Set(None),
            checked_at: Set(None),
            missing_since: Set(None),
        };
        let row = row::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("name"))?;
        Ok(row.into())
    }

    /// Notes that its proof was found; from now on the domain leads to this organisation.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `name` when it leads to another one.
    pub async fn verify(
        &self,
        granted: &Granted<IdentityWrite>,
        domain: &Domain,
        at: DateTime<Utc>,
    ) -> Result<Domain, Error> {
        let connection = self.tx.writing(granted)?;
        if domain.verified_at.is_none() {
            let proven = verified_domain::ActiveModel {
                name: Set(domain.name.clone()),
                tenant_id: Set(granted.tenant().uuid()),
                domain_id: Set(domain.id.uuid()),
            };
            verified_domain::Entity::insert(proven)
                .exec_without_returning(connection)
                .await
                .map_err(Error::of_write("name"))?;
        }
        let at = kept(at);
        let rows = row::Entity::scoped_update(granted)
            .col_expr(row::Column::VerifiedAt, Expr::value(domain.verified_at.unwrap_or(at)))
            .col_expr(row::Column::CheckedAt, Expr::value(at))
            .col_expr(row::Column::MissingSince, Expr::value(None::<DateTime<Utc>>))
            .filter(row::Column::Id.eq(domain.id.uuid()))
            .exec_with_returning(connection)
            .await?;
        rows.into_iter().next().map(Domain::from).ok_or(Error::NotFound)
    }

    /// Notes that its proof was not found. With `release` the domain no longer leads to this organisation.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn miss(
        &self,
        granted: &Granted<IdentityWrite>,
        domain: &Domain,
        at: DateTime<Utc>,
        release: bool,
    ) -> Result<Domain, Error> {
        let connection = self.tx.writing(granted)?;
        let at = kept(at);
        let verified = if release { None } else { domain.verified_at };
        let since = domain.verified_at.map(|_| domain.missing_since.unwrap_or(at));
        if release {
            verified_domain::Entity::scoped_delete(granted)
                .filter(verified_domain::Column::DomainId.eq(domain.id.uuid()))
                .exec(connection)
                .await?;
        }
        let rows = row::Entity::scoped_update(granted)
            .col_expr(row::Column::VerifiedAt, Expr::value(verified))
            .col_expr(row::Column::CheckedAt, Expr::value(at))
            .col_expr(row::Column::MissingSince, Expr::value(since))
            .filter(row::Column::Id.eq(domain.id.uuid()))
            .exec_with_returning(connection)
            .await?;
        rows.into_iter().next().map(Domain::from).ok_or(Error::NotFound)
    }

    /// Gives a domain up.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove(
        &self,
        granted: &Granted<IdentityWrite>,
        id: DomainId,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let removed = row::Entity::scoped_delete(granted)
            .filter(row::Column::Id.eq(id.uuid()))
            .exec(connection)
            .await?;
        if removed.rows_affected == 0 { Err(Error::NotFound) } else { Ok(()) }
    }
}

impl From<row::Model> for Domain {
    fn from(row: row::Model) -> Self {
        Self {
            id: DomainId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            name: row.name,
            token: row.token,
            created_at: row.created_at,
            verified_at: row.verified_at,
            checked_at: row.checked_at,
            missing_since: row.missing_since,
        }
    }
}
