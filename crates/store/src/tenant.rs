//! The organisation's own row.

use domain::{
    Granted, Tenant, TenantId,
    authz::permission::{TenantRead, TenantWrite},
};
use sea_orm::sea_query::Expr;

use crate::{Error, Tx, entity::tenant, scoped::TenantOwned, text};

/// The tenant of the transaction.
pub struct TenantRow<'t> {
    tx: &'t Tx,
}

// === impl TenantRow ===

impl<'t> TenantRow<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the tenant is gone.
    pub async fn lookup(&self, granted: &Granted<TenantRead>) -> Result<Tenant, Error> {
        let connection = self.tx.reading(granted)?;
        let row = tenant::Entity::scoped(granted).one(connection).await?;
        row.map(Tenant::from).ok_or(Error::NotFound)
    }

    /// Renames it. The slug never changes: it is part of URLs that others keep.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the tenant is gone.
    pub async fn update(
        &self,
        granted: &Granted<TenantWrite>,
        name: String,
    ) -> Result<Tenant, Error> {
        let connection = self.tx.writing(granted)?;
        let rows = tenant::Entity::scoped_update(granted)
            .col_expr(tenant::Column::Name, Expr::value(text::storable(name)))
            .exec_with_returning(connection)
            .await?;
        rows.into_iter().next().map(Tenant::from).ok_or(Error::NotFound)
    }
}

impl From<tenant::Model> for Tenant {
    fn from(row: tenant::Model) -> Self {
        Self {
            id: TenantId::from_uuid(row.id),
            slug: row.slug,
            name: row.name,
            created_at: row.created_at,
        }
    }
}
