//! AI clients that registered themselves (RFC 7591).

use chrono::{DateTime, Utc};
use domain::{Granted, OauthClientId, authz::permission::McpUse};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use crate::{Error, Tx, entity::oauth_client, scoped::TenantOwned, text, time::kept};

/// Registered clients of the transaction's tenant.
pub struct OauthClients<'t> {
    tx: &'t Tx,
}

/// A client as it registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthClient {
    pub id: OauthClientId,
    pub name: String,
    pub redirect_uris: Vec<String>,
    pub created_at: DateTime<Utc>,
}

/// A client to be kept.
#[derive(Debug, Clone)]
pub struct NewOauthClient {
    pub client: OauthClient,
    /// Of everything that it said: the same client has one row, however often it registers.
    pub digest: String,
}

// === impl OauthClients ===

impl<'t> OauthClients<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<McpUse>,
        id: OauthClientId,
    ) -> Result<OauthClient, Error> {
        let connection = self.tx.reading(granted)?;
        let query =
            oauth_client::Entity::scoped(granted).filter(oauth_client::Column::Id.eq(id.uuid()));
        query.one(connection).await?.ok_or(Error::NotFound)?.try_into()
    }

    /// The one that registered with the same words.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find(
        &self,
        granted: &Granted<McpUse>,
        digest: &str,
    ) -> Result<Option<OauthClient>, Error> {
        let connection = self.tx.reading(granted)?;
        let query =
            oauth_client::Entity::scoped(granted).filter(oauth_client::Column::Digest.eq(digest));
        query.one(connection).await?.map(OauthClient::try_from).transpose()
    }

    /// Keeps a client.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `digest` when the same client registers twice at once.
    pub async fn create(
        &self,
        granted: &Granted<McpUse>,
        new: NewOauthClient,
    ) -> Result<OauthClient, Error> {
        let connection = self.tx.writing(granted)?;
        let NewOauthClient { client, digest } = new;
        let row = oauth_client::ActiveModel {
            id: Set(client.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            digest: Set(digest),
            name: Set(text::storable(client.name)),
            redirect_uris: Set(serde_json::json!(client.redirect_uris)),
            created_at: Set(kept(client.created_at)),
            last_used_at: Set(None),
        };
        let row = oauth_client::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("digest"))?;
        row.try_into()
    }

    /// Notes that a person was asked on behalf of a client.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn touch_used(
        &self,
        granted: &Granted<McpUse>,
        id: OauthClientId,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        oauth_client::Entity::scoped_update(granted)
            .filter(oauth_client::Column::Id.eq(id.uuid()))
            .col_expr(oauth_client::Column::LastUsedAt, Expr::value(kept(at)))
            .exec(connection)
            .await?;
        Ok(())
    }

    /// Removes those that registered before a time and never asked anybody. Gives how many there were.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn purge(
        &self,
        granted: &Granted<McpUse>,
        before: DateTime<Utc>,
    ) -> Result<u64, Error> {
        let connection = self.tx.writing(granted)?;
        let removed = oauth_client::Entity::scoped_delete(granted)
            .filter(oauth_client::Column::LastUsedAt.is_null())
            .filter(oauth_client::Column::CreatedAt.lt(kept(before)))
            .exec(connection)
            .await?;
        Ok(removed.rows_affected)
    }
}

impl TryFrom<oauth_client::Model> for OauthClient {
    type Error = Error;

    fn try_from(row: oauth_client::Model) -> Result<Self, Error> {
        let redirect_uris = serde_json::from_value(row.redirect_uris)
            .map_err(|_| Error::Unreadable { table: "oauth_clients", column: "redirect_uris" })?;
        Ok(Self {
            id: OauthClientId::from_uuid(row.id),
            name: row.name,
            redirect_uris,
            created_at: row.created_at,
        })
    }
}
