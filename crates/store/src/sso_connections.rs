//! Ways to sign in by an organisation's own provider, with their sealed client secrets.

use chrono::{DateTime, Utc};
use domain::{
    Granted, Page, PageArgs, SsoConnection, SsoConnectionId, TenantId,
    authz::permission::{CredentialOpen, IdentityRead, IdentityWrite},
    identity::{ConnectionRules, ConnectionSettings, ConnectionState, ConnectionTest},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, Order, QueryFilter, QueryOrder, sea_query::Expr,
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Error, Tx, entity::sso_connection as row, page, scoped::TenantOwned, text, time::kept,
};

/// Connections of the transaction's tenant.
pub struct SsoConnections<'t> {
    tx: &'t Tx,
}

/// A connection to be made.
#[derive(Debug, Clone)]
pub struct NewConnection {
    pub id: SsoConnectionId,
    pub settings: ConnectionSettings,
    pub secret: Option<SealedSecret>,
    pub created_at: DateTime<Utc>,
}

/// What becomes of a connection.
#[derive(Debug, Clone)]
pub struct ConnectionChange {
    pub settings: ConnectionSettings,
    /// `None` keeps the one that is there.
    pub secret: Option<SealedSecret>,
    /// Whether the last test still says something about it.
    pub keeps_test: bool,
    /// The version that was changed.
    pub expected_version: i64,
    pub updated_at: DateTime<Utc>,
}

/// A client secret under the organisation's data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// Part of the associated data of the seal, with the connection's id.
    pub version: i64,
    pub sealed: Vec<u8>,
}

// === impl SsoConnections ===

impl<'t> SsoConnections<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// Connections, oldest first.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<IdentityRead>,
        args: &PageArgs,
    ) -> Result<Page<SsoConnection>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = row::Entity::scoped(granted);
        let rows = page::read(query, row::Column::Id, Order::Asc, args, connection).await?;
        page::convert(rows, SsoConnection::try_from)
    }

    /// Connections that people may sign in by, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list_usable(
        &self,
        granted: &Granted<IdentityRead>,
    ) -> Result<Vec<SsoConnection>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = row::Entity::scoped(granted)
            .filter(row::Column::State.ne(ConnectionState::Draft.as_str()))
            .order_by_asc(row::Column::Id);
        query.all(connection).await?.into_iter().map(SsoConnection::try_from).collect()
    }

    /// A connection by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<IdentityRead>,
        id: SsoConnectionId,
    ) -> Result<SsoConnection, Error> {
        let connection = self.tx.reading(granted)?;
        let query = row::Entity::scoped(granted).filter(row::Column::Id.eq(id.uuid()));
        query.one(connection).await?.ok_or(Error::NotFound)?.try_into()
    }

    /// The sealed client secret of a connection.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such connection.
    pub async fn open(
        &self,
        granted: &Granted<CredentialOpen>,
        id: SsoConnectionId,
    ) -> Result<Option<SealedSecret>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = row::Entity::scoped(granted).filter(row::Column::Id.eq(id.uuid()));
        let row = query.one(connection).await?.ok_or(Error::NotFound)?;
        let version = row.secret_version;
        Ok(row.sealed_secret.map(|sealed| SealedSecret { version, sealed }))
    }

    /// Adds a connection.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn create(
        &self,
        granted: &Granted<IdentityWrite>,
        new: NewConnection,
    ) -> Result<SsoConnection, Error> {
        let connection = self.tx.writing(granted)?;
        let at = kept(new.created_at);
        let ConnectionSettings { name, issuer, client_id, rules, state } = new.settings;
        let row = row::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            name: Set(text::storable(name)),
            issuer: Set(issuer),
            client_id: Set(text::storable(client_id)),
            rules: Set(json(&rules)?),
            state: Set(state.as_str().to_owned()),
            secret_version: Set(new.secret.as_ref().map_or(0, |secret| secret.version)),
            sealed_secret: Set(new.secret.map(|secret| secret.sealed)),
            version: Set(1),
            tested: Set(None),
            created_at: Set(at),
            updated_at: Set(at),
        };
        let row = row::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("id"))?;
        row.try_into()
    }

    /// Changes a connection.
    ///
    /// # Errors
    /// [`Error::Stale`] when it was changed in the meantime, [`Error::NotFound`].
    pub async fn update(
        &self,
        granted: &Granted<IdentityWrite>,
        id: SsoConnectionId,
        change: ConnectionChange,
    ) -> Result<SsoConnection, Error> {
        let connection = self.tx.writing(granted)?;
        let ConnectionSettings { name, issuer, client_id, rules, state } = change.settings;
        let mut update = row::Entity::scoped_update(granted)
            .col_expr(row::Column::Name, Expr::value(text::storable(name)))
            .col_expr(row::Column::Issuer, Expr::value(issuer))
            .col_expr(row::Column::ClientId, Expr::value(text::storable(client_id)))
            .col_expr(row::Column::Rules, Expr::value(json(&rules)?))
            .col_expr(row::Column::State, Expr::value(state.as_str()))
            .col_expr(row::Column::Version, Expr::value(change.expected_version + 1))
            .col_expr(row::Column::UpdatedAt, Expr::value(kept(change.updated_at)));
        if let Some(secret) = change.secret {
            update = update
                .col_expr(row::Column::SealedSecret, Expr::value(secret.sealed))
                .col_expr(row::Column::SecretVersion, Expr::value(secret.version));
        }
        if !change.keeps_test {
            update = update.col_expr(row::Column::Tested, Expr::value(None::<Value>));
        }
        let rows = update
            .filter(row::Column::Id.eq(id.uuid()))
            .filter(row::Column::Version.eq(change.expected_version))
            .exec_with_returning(connection)
            .await?;
        rows.into_iter().next().ok_or(Error::Stale)?.try_into()
    }

    /// Keeps what a test sign-in showed.
    ///
    /// # Errors
    /// [`Error::Stale`] when the connection was changed while the test ran.
    pub async fn record_test(
        &self,
        granted: &Granted<IdentityWrite>,
        id: SsoConnectionId,
        version: i64,
        test: &ConnectionTest,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let tested = text::storable_json(json(test)?);
        let updated = row::Entity::scoped_update(granted)
            .col_expr(row::Column::Tested, Expr::value(tested))
            .filter(row::Column::Id.eq(id.uuid()))
            .filter(row::Column::Version.eq(version))
            .exec(connection)
            .await?;
        if updated.rows_affected == 0 { Err(Error::Stale) } else { Ok(()) }
    }

    /// Removes a connection.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove(
        &self,
        granted: &Granted<IdentityWrite>,
        id: SsoConnectionId,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let removed = row::Entity::scoped_delete(granted)
            .filter(row::Column::Id.eq(id.uuid()))
            .exec(connection)
            .await?;
        if removed.rows_affected == 0 { Err(Error::NotFound) } else { Ok(()) }
    }
}

fn json(value: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(value)
        .map_err(|_| Error::Unreadable { table: "sso_connections", column: "rules" })
}

impl TryFrom<row::Model> for SsoConnection {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        let unreadable = |column| Error::Unreadable { table: "sso_connections", column };
        let state = ConnectionState::parse(&row.state).ok_or(unreadable("state"))?;
        let rules: ConnectionRules =
            serde_json::from_value(row.rules).map_err(|_| unreadable("rules"))?;
        let tested = row.tested.map(serde_json::from_value::<ConnectionTest>).transpose();
        Ok(Self {
            id: SsoConnectionId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            settings: ConnectionSettings {
                name: row.name,
                issuer: row.issuer,
                client_id: row.client_id,
                rules,
                state,
            },
            has_secret: row.sealed_secret.is_some(),
            version: row.version,
            tested: tested.map_err(|_| unreadable("tested"))?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}
