//! What people have granted to AI clients.

use chrono::{DateTime, Utc};
use domain::{
    ClientGrant, ClientGrantId, Granted, Page, PageArgs, TenantId, TokenHash, UserId,
    authz::{
        Permission,
        permission::{ApiKeyRead, ApiKeyWrite, EndpointRead, McpUse, MemberWrite},
    },
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, Order, QueryFilter, sea_query::Expr,
};

use crate::{
    Error, Tx,
    entity::{client_grant, oauth_code},
    page,
    scoped::TenantOwned,
    text,
    time::kept,
};

/// Grants of the transaction's tenant, with their codes and tokens (`oauth_tokens.rs`).
pub struct ClientGrants<'t> {
    pub(crate) tx: &'t Tx,
}

/// A grant to be kept, with the code that the client gets for it.
#[derive(Debug, Clone)]
pub struct NewClientGrant {
    pub grant: ClientGrant,
    pub code: NewCode,
}

/// A code to be kept.
#[derive(Debug, Clone)]
pub struct NewCode {
    pub hash: TokenHash,
    pub redirect_uri: String,
    pub challenge: String,
    pub expires_at: DateTime<Utc>,
}

// === impl ClientGrants ===

impl<'t> ClientGrants<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// A page of everybody's, newest first, revoked ones included.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<ApiKeyRead>,
        args: &PageArgs,
    ) -> Result<Page<ClientGrant>, Error> {
        self.page(granted, Condition::all(), args).await
    }

    /// A page of one person's, newest first, revoked ones included.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list_own(
        &self,
        granted: &Granted<McpUse>,
        user: UserId,
        args: &PageArgs,
    ) -> Result<Page<ClientGrant>, Error> {
        let own = Condition::all().add(client_grant::Column::UserId.eq(user.uuid()));
        self.page(granted, own, args).await
    }

    /// All whose tokens are good at a time.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list_live(
        &self,
        granted: &Granted<EndpointRead>,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClientGrant>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = client_grant::Entity::scoped(granted)
            .filter(client_grant::Column::RevokedAt.is_null())
            .filter(client_grant::Column::ExpiresAt.gt(kept(now)));
        Ok(query.all(connection).await?.into_iter().map(ClientGrant::from).collect())
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<McpUse>,
        id: ClientGrantId,
    ) -> Result<ClientGrant, Error> {
        let connection = self.tx.reading(granted)?;
        let query =
            client_grant::Entity::scoped(granted).filter(client_grant::Column::Id.eq(id.uuid()));
        query.one(connection).await?.map(ClientGrant::from).ok_or(Error::NotFound)
    }

    /// Keeps a grant and its code.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the person does not belong to the organisation.
    pub async fn create(
        &self,
        granted: &Granted<McpUse>,
        new: NewClientGrant,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let NewClientGrant { grant, code } = new;
        let tenant_id = granted.tenant().uuid();
        let row = client_grant::ActiveModel {
            id: Set(grant.id.uuid()),
            tenant_id: Set(tenant_id),
            user_id: Set(grant.user.uuid()),
            client_id: Set(text::storable(grant.client_id)),
            client_name: Set(text::storable(grant.client_name)),
            redirect: Set(text::storable(grant.redirect)),
            scope: Set(grant.scope),
            created_at: Set(kept(grant.created_at)),
            last_used_at: Set(None),
            expires_at: Set(kept(grant.expires_at)),
            revoked_at: Set(None),
        };
        client_grant::Entity::insert(row)
            .exec_without_returning(connection)
            .await
            .map_err(Error::of_write("id"))?;
        let row = oauth_code::ActiveModel {
            tenant_id: Set(tenant_id),
            hash: Set(code.hash.to_hex()),
            grant_id: Set(grant.id.uuid()),
            redirect_uri: Set(text::storable(code.redirect_uri)),
            challenge: Set(code.challenge),
            expires_at: Set(kept(code.expires_at)),
            used_at: Set(None),
        };
        oauth_code::Entity::insert(row)
            .exec_without_returning(connection)
            .await
            .map_err(Error::of_write("hash"))?;
        Ok(())
    }

    /// Notes that a grant's client got a token, and until when it can get the next.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn prolong(
        &self,
        granted: &Granted<McpUse>,
        id: ClientGrantId,
        at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        client_grant::Entity::scoped_update(granted)
            .filter(client_grant::Column::Id.eq(id.uuid()))
            .col_expr(client_grant::Column::LastUsedAt, Expr::value(kept(at)))
            .col_expr(client_grant::Column::ExpiresAt, Expr::value(kept(expires_at)))
            .exec(connection)
            .await?;
        Ok(())
    }

    /// Ends any grant. `false` when there is none of this id, or it has ended before.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn revoke(
        &self,
        granted: &Granted<ApiKeyWrite>,
        id: ClientGrantId,
        at: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let one = Condition::all().add(client_grant::Column::Id.eq(id.uuid()));
        Ok(self.end(granted, one, at).await? > 0)
    }

    /// Ends a grant of this person. `false` when they have none of this id, or it has ended before.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn revoke_own(
        &self,
        granted: &Granted<McpUse>,
        user: UserId,
        id: ClientGrantId,
        at: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let own = Condition::all()
            .add(client_grant::Column::Id.eq(id.uuid()))
            .add(client_grant::Column::UserId.eq(user.uuid()));
        Ok(self.end(granted, own, at).await? > 0)
    }

    /// Ends every grant of a person. Gives how many there were.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn revoke_of(
        &self,
        granted: &Granted<MemberWrite>,
        user: UserId,
        at: DateTime<Utc>,
    ) -> Result<u64, Error> {
        let theirs = Condition::all().add(client_grant::Column::UserId.eq(user.uuid()));
        self.end(granted, theirs, at).await
    }

    /// Removes those that ended or expired before a time, with their codes and tokens.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn purge(
        &self,
        granted: &Granted<McpUse>,
        before: DateTime<Utc>,
    ) -> Result<u64, Error> {
        let connection = self.tx.writing(granted)?;
        let over = Condition::any()
            .add(client_grant::Column::RevokedAt.lt(kept(before)))
            .add(client_grant::Column::ExpiresAt.lt(kept(before)));
        let removed =
            client_grant::Entity::scoped_delete(granted).filter(over).exec(connection).await?;
        Ok(removed.rows_affected)
    }

    async fn page<P: Permission>(
        &self,
        granted: &Granted<P>,
        which: Condition,
        args: &PageArgs,
    ) -> Result<Page<ClientGrant>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = client_grant::Entity::scoped(granted).filter(which);
        let rows =
            page::read(query, client_grant::Column::Id, Order::Desc, args, connection).await?;
        page::convert(rows, |row| Ok(row.into()))
    }

    async fn end<P: Permission>(
        &self,
        granted: &Granted<P>,
        which: Condition,
        at: DateTime<Utc>,
    ) -> Result<u64, Error> {
        let connection = self.tx.writing(granted)?;
        let ended = client_grant::Entity::scoped_update(granted)
            .filter(which)
            .filter(client_grant::Column::RevokedAt.is_null())
            .col_expr(client_grant::Column::RevokedAt, Expr::value(kept(at)))
            .exec(connection)
            .await?;
        Ok(ended.rows_affected)
    }
}

impl From<client_grant::Model> for ClientGrant {
    fn from(row: client_grant::Model) -> Self {
        Self {
            id: ClientGrantId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            user: UserId::from_uuid(row.user_id),
            client_id: row.client_id,
            client_name: row.client_name,
            redirect: row.redirect,
            scope: row.scope,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        }
    }
}
