//! Codes and refresh tokens of AI clients, by their hashes.

use chrono::{DateTime, Utc};
use domain::{ClientGrantId, Granted, TokenHash, authz::permission::McpUse};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use crate::{
    ClientGrants, Error,
    entity::{oauth_code, oauth_refresh_token},
    scoped::TenantOwned,
    time::kept,
};

/// A code that was presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    pub grant: ClientGrantId,
    pub redirect_uri: String,
    pub challenge: String,
    pub expires_at: DateTime<Utc>,
    /// This is the first time that it is presented.
    pub fresh: bool,
}

/// A refresh token that was presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    pub grant: ClientGrantId,
    pub expires_at: DateTime<Utc>,
    /// When it was first used.
    pub used_at: Option<DateTime<Utc>>,
    /// How many it was exchanged for.
    pub successors: usize,
    /// Whether one of them was used in turn.
    pub successor_used: bool,
}

/// A refresh token to be kept.
#[derive(Debug, Clone)]
pub struct NewRefreshToken {
    pub hash: TokenHash,
    pub grant: ClientGrantId,
    /// The one that it is given for.
    pub parent: Option<TokenHash>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

// === impl ClientGrants ===

impl ClientGrants<'_> {
    /// Uses a code up: one statement, so that of any number of callers one finds it fresh. `None` when there is no such code.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn use_code(
        &self,
        granted: &Granted<McpUse>,
        hash: TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<Code>, Error> {
        let connection = self.tx.writing(granted)?;
        let hash = hash.to_hex();
        let first = oauth_code::Entity::scoped_update(granted)
            .filter(oauth_code::Column::Hash.eq(hash.as_str()))
            .filter(oauth_code::Column::UsedAt.is_null())
            .col_expr(oauth_code::Column::UsedAt, Expr::value(kept(now)))
            .exec(connection)
            .await?;
        let query = oauth_code::Entity::scoped(granted).filter(oauth_code::Column::Hash.eq(hash));
        let row = query.one(connection).await?;
        Ok(row.map(|row| Code {
            grant: ClientGrantId::from_uuid(row.grant_id),
            redirect_uri: row.redirect_uri,
            challenge: row.challenge,
            expires_at: row.expires_at,
            fresh: first.rows_affected == 1,
        }))
    }

    /// A refresh token as it is known.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_refresh_token(
        &self,
        granted: &Granted<McpUse>,
        hash: TokenHash,
    ) -> Result<Option<RefreshToken>, Error> {
        let connection = self.tx.reading(granted)?;
        let hash = hash.to_hex();
        let query = oauth_refresh_token::Entity::scoped(granted)
            .filter(oauth_refresh_token::Column::Hash.eq(hash.as_str()));
        let Some(row) = query.one(connection).await? else { return Ok(None) };
        let successors = oauth_refresh_token::Entity::scoped(granted)
            .filter(oauth_refresh_token::Column::Parent.eq(hash))
            .all(connection)
            .await?;
        Ok(Some(RefreshToken {
            grant: ClientGrantId::from_uuid(row.grant_id),
            expires_at: row.expires_at,
            used_at: row.used_at,
            successors: successors.len(),
            successor_used: successors.iter().any(|token| token.used_at.is_some()),
        }))
    }

    /// Keeps a refresh token, and notes the use of the one that it is given for.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `hash`: the text was made before.
    pub async fn create_refresh_token(
        &self,
        granted: &Granted<McpUse>,
        new: NewRefreshToken,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let parent = new.parent.map(TokenHash::to_hex);
        if let Some(parent) = &parent {
            oauth_refresh_token::Entity::scoped_update(granted)
                .filter(oauth_refresh_token::Column::Hash.eq(parent.as_str()))
                .filter(oauth_refresh_token::Column::UsedAt.is_null())
                .col_expr(oauth_refresh_token::Column::UsedAt, Expr::value(kept(new.created_at)))
                .exec(connection)
                .await?;
        }
        let row = oauth_refresh_token::ActiveModel {
            tenant_id: Set(granted.tenant().uuid()),
            hash: Set(new.hash.to_hex()),
            grant_id: Set(new.grant.uuid()),
            parent: Set(parent),
            created_at: Set(kept(new.created_at)),
            expires_at: Set(kept(new.expires_at)),
            used_at: Set(None),
        };
        oauth_refresh_token::Entity::insert(row)
            .exec_without_returning(connection)
            .await
            .map_err(Error::of_write("hash"))?;
        Ok(())
    }
}
