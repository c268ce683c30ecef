//! MCP endpoints of a tenant.

use chrono::{DateTime, Utc};
use domain::{
    Endpoint, EndpointId, Granted, TenantId,
    authz::permission::{EndpointRead, EndpointWrite},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr,
};

use crate::{Error, Tx, entity::endpoint, scoped::TenantOwned, text, time::kept};

/// MCP endpoints of the transaction's tenant.
pub struct Endpoints<'t> {
    tx: &'t Tx,
}

/// An endpoint to be made.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    pub id: EndpointId,
    /// Unique in the tenant.
    pub slug: String,
    pub name: String,
    pub instructions: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// What to change; `None` leaves a value as it is.
#[derive(Debug, Clone, Default)]
pub struct EndpointChange {
    pub name: Option<String>,
    pub instructions: Option<Option<String>>,
}

// === impl Endpoints ===

impl<'t> Endpoints<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// All of them, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list(&self, granted: &Granted<EndpointRead>) -> Result<Vec<Endpoint>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = endpoint::Entity::scoped(granted).order_by_asc(endpoint::Column::Id);
        Ok(query.all(connection).await?.into_iter().map(Endpoint::from).collect())
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<EndpointRead>,
        id: EndpointId,
    ) -> Result<Endpoint, Error> {
        let connection = self.tx.reading(granted)?;
        let query = endpoint::Entity::scoped(granted).filter(endpoint::Column::Id.eq(id.uuid()));
        query.one(connection).await?.map(Endpoint::from).ok_or(Error::NotFound)
    }

    /// Adds one.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `slug`.
    pub async fn create(
        &self,
        granted: &Granted<EndpointWrite>,
        new: NewEndpoint,
    ) -> Result<Endpoint, Error> {
        let connection = self.tx.writing(granted)?;
        let row = endpoint::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            slug: Set(new.slug),
            name: Set(text::storable(new.name)),
            instructions: Set(new.instructions.map(text::storable)),
            created_at: Set(kept(new.created_at)),
        };
        let row = endpoint::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("slug"))?;
        Ok(row.into())
    }

    /// Changes one.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn update(
        &self,
        granted: &Granted<EndpointWrite>,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<Endpoint, Error> {
        let connection = self.tx.writing(granted)?;
        let mut update = endpoint::Entity::scoped_update(granted)
            .filter(endpoint::Column::Id.eq(id.uuid()))
            .col_expr(endpoint::Column::Id, Expr::value(id.uuid()));
        if let Some(name) = change.name {
            update = update.col_expr(endpoint::Column::Name, Expr::value(text::storable(name)));
        }
        if let Some(instructions) = change.instructions {
            let instructions = instructions.map(text::storable);
            update = update.col_expr(endpoint::Column::Instructions, Expr::value(instructions));
        }
        let rows = update.exec_with_returning(connection).await?;
        rows.into_iter().next().map(Endpoint::from).ok_or(Error::NotFound)
    }
}

impl From<endpoint::Model> for Endpoint {
    fn from(row: endpoint::Model) -> Self {
        Self {
            id: EndpointId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            slug: row.slug,
            name: row.name,
            instructions: row.instructions,
            created_at: row.created_at,
        }
    }
}
