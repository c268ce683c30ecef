//! Tokens by which a tenant's directory provisions. Only hashes are kept.

use chrono::{DateTime, Utc};
use domain::{
    Granted, Page, PageArgs, ScimToken, ScimTokenId, TenantId, TokenHash, UserId,
    authz::permission::{IdentityRead, IdentityWrite},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, Order, QueryFilter, sea_query::Expr,
};

use crate::{Error, Tx, entity::scim_token, page, scoped::TenantOwned, text, time::kept};

/// Tokens of the transaction's tenant.
pub struct ScimTokens<'t> {
    tx: &'t Tx,
}

/// A token to be kept.
#[derive(Debug, Clone)]
pub struct NewScimToken {
    pub id: ScimTokenId,
    pub name: String,
    pub hash: TokenHash,
    pub last_four: String,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
}

// === impl ScimTokens ===

impl<'t> ScimTokens<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// A page of all, newest first, revoked ones included.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<IdentityRead>,
        args: &PageArgs,
    ) -> Result<Page<ScimToken>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = scim_token::Entity::scoped(granted);
        let rows = page::read(query, scim_token::Column::Id, Order::Desc, args, connection).await?;
        page::convert(rows, |row| Ok(row.into()))
    }

    /// One by its id, revoked or not.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<IdentityRead>,
        id: ScimTokenId,
    ) -> Result<ScimToken, Error> {
        let connection = self.tx.reading(granted)?;
        let query =
            scim_token::Entity::scoped(granted).filter(scim_token::Column::Id.eq(id.uuid()));
        query.one(connection).await?.map(ScimToken::from).ok_or(Error::NotFound)
    }

    /// The token with a hash: whether it still lives is the caller's to check.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find(
        &self,
        granted: &Granted<IdentityRead>,
        hash: TokenHash,
    ) -> Result<Option<ScimToken>, Error> {
        let connection = self.tx.reading(granted)?;
        let query =
            scim_token::Entity::scoped(granted).filter(scim_token::Column::Hash.eq(hash.to_hex()));
        Ok(query.one(connection).await?.map(ScimToken::from))
    }

    /// Keeps a token.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `hash`: the text was made before.
    pub async fn create(
        &self,
        granted: &Granted<IdentityWrite>,
        new: NewScimToken,
    ) -> Result<ScimToken, Error> {
        let connection = self.tx.writing(granted)?;
        let row = scim_token::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            name: Set(text::storable(new.name)),
            hash: Set(new.hash.to_hex()),
            last_four: Set(new.last_four),
            created_by: Set(new.created_by.map(UserId::uuid)),
            created_at: Set(kept(new.created_at)),
            expires_at: Set(new.expires_at.map(kept)),
            last_used_at: Set(None),
            revoked_at: Set(None),
        };
        let row = scim_token::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("hash"))?;
        Ok(row.into())
    }

    /// Lets a token end at a time, unless it ends before that.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn expire(
        &self,
        granted: &Granted<IdentityWrite>,
        id: ScimTokenId,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let later = Condition::any()
            .add(scim_token::Column::ExpiresAt.is_null())
            .add(scim_token::Column::ExpiresAt.gt(kept(at)));
        scim_token::Entity::scoped_update(granted)
            .filter(scim_token::Column::Id.eq(id.uuid()))
            .filter(later)
            .col_expr(scim_token::Column::ExpiresAt, Expr::value(kept(at)))
            .exec(connection)
            .await?;
        Ok(())
    }

    /// Revokes a token. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn revoke(
        &self,
        granted: &Granted<IdentityWrite>,
        id: ScimTokenId,
        at: DateTime<Utc>,
    ) -> Result<ScimToken, Error> {
        let connection = self.tx.writing(granted)?;
        scim_token::Entity::scoped_update(granted)
            .filter(scim_token::Column::Id.eq(id.uuid()))
            .filter(scim_token::Column::RevokedAt.is_null())
            .col_expr(scim_token::Column::RevokedAt, Expr::value(kept(at)))
            .exec(connection)
            .await?;
        let query =
            scim_token::Entity::scoped(granted).filter(scim_token::Column::Id.eq(id.uuid()));
        query.one(connection).await?.map(ScimToken::from).ok_or(Error::NotFound)
    }

    /// Notes that a token was used.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn touch_used(
        &self,
        granted: &Granted<IdentityWrite>,
        id: ScimTokenId,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        scim_token::Entity::scoped_update(granted)
            .filter(scim_token::Column::Id.eq(id.uuid()))
            .col_expr(scim_token::Column::LastUsedAt, Expr::value(kept(at)))
            .exec(connection)
            .await?;
        Ok(())
    }
}

impl From<scim_token::Model> for ScimToken {
    fn from(row: scim_token::Model) -> Self {
        Self {
            id: ScimTokenId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            name: row.name,
            last_four: row.last_four,
            created_by: row.created_by.map(UserId::from_uuid),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}
