//! The global tables: what is looked up before a tenant is known. Named for what it is; nothing here is behind a grant.

use chrono::{DateTime, Utc};
use domain::{ApiKeyId, Session, SignInLinkId, Tenant, TenantId, TokenHash, User, UserId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseExecutor, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, sea_query::Expr,
};

use crate::{
    Error, Store,
    entity::{api_key_hash, logout_token, session, sign_in_attempt, sign_in_link, tenant, user},
    scoped::Global,
    store::Turn,
    text,
    time::kept,
};

/// Tenants, users, sessions, sign-in links and the way from a presented key to its tenant.
pub struct Directory<'s>(Place<'s>);

enum Place<'s> {
    /// Each use by itself.
    Store(&'s Store),
    /// Together with everything else in a transaction.
    Within(&'s DatabaseTransaction),
}

/// An organisation to be made.
#[derive(Debug, Clone)]
pub struct NewTenant {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub created_at: DateTime<Utc>,
}

/// A person to be known.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub id: UserId,
    pub email: String,
    pub display_name: String,
    pub created_at: DateTime<Utc>,
}

/// A session to be kept, under the hash of its token.
#[derive(Debug, Clone)]
pub struct NewSession {
    pub session: Session,
    pub hash: TokenHash,
}

/// A one-time sign-in link to be kept, under the hash of its token.
#[derive(Debug, Clone)]
pub struct NewSignInLink {
    pub id: SignInLinkId,
    pub tenant: TenantId,
    pub user: UserId,
    pub hash: TokenHash,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// A link: who signs in with it, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInLink {
    pub id: SignInLinkId,
    pub tenant: TenantId,
    pub user: UserId,
}

// === impl Directory ===

impl<'s> Directory<'s> {
    pub(crate) const fn of(store: &'s Store) -> Self {
        Self(Place::Store(store))
    }

    pub(crate) const fn within(transaction: &'s DatabaseTransaction) -> Self {
        Self(Place::Within(transaction))
    }

    /// The organisation with a slug.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_tenant(&self, slug: &str) -> Result<Option<Tenant>, Error> {
        if !text::is_storable(slug) {
            return Ok(None);
        }
        let query = tenant::Entity::all().filter(tenant::Column::Slug.eq(slug));
        Ok(query.one(&self.connection()).await?.map(Tenant::from))
    }

    /// An organisation by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup_tenant(&self, id: TenantId) -> Result<Tenant, Error> {
        let query = tenant::Entity::all().filter(tenant::Column::Id.eq(id.uuid()));
        query.one(&self.connection()).await?.map(Tenant::from).ok_or(Error::NotFound)
    }

    /// Every organisation, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list_tenants(&self) -> Result<Vec<Tenant>, Error> {
        let query = tenant::Entity::all().order_by_asc(tenant::Column::Id);
        Ok(query.all(&self.connection()).await?.into_iter().map(Tenant::from).collect())
    }

    /// Adds an organisation.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `slug`.
    pub async fn create_tenant(&self, new: NewTenant) -> Result<Tenant, Error> {
        let _turn = self.turn().await?;
        let row = tenant::ActiveModel {
            id: Set(new.id.uuid()),
            slug: Set(new.slug),
            name: Set(text::storable(new.name)),
            created_at: Set(kept(new.created_at)),
        };
        let row = tenant::Entity::insert(row)
            .exec_with_returning(&self.connection())
            .await
            .map_err(Error::of_write("slug"))?;
        Ok(row.into())
    }

    /// The person with an e-mail address; upper and lower case are the same.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_user_by_email(&self, email: &str) -> Result<Option<User>, Error> {
        let query = user::Entity::all().filter(user::Column::Email.eq(address(email)));
        Ok(query.one(&self.connection()).await?.map(User::from))
    }

    /// Adds a person. Their address is kept in lower case.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `email`.
    pub async fn create_user(&self, new: NewUser) -> Result<User, Error> {
        let _turn = self.turn().await?;
        let row = user::ActiveModel {
            id: Set(new.id.uuid()),
            email: Set(address(&new.email)),
            display_name: Set(text::storable(new.display_name)),
            created_at: Set(kept(new.created_at)),
        };
        let row = user::Entity::insert(row)
            .exec_with_returning(&self.connection())
            .await
            .map_err(Error::of_write("email"))?;
        Ok(row.into())
    }

    /// A person by their id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup_user(&self, id: UserId) -> Result<User, Error> {
        self.lookup_users(&[id]).await?.pop().ok_or(Error::NotFound)
    }

    /// People by their ids, in no particular order; the unknown are left out.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn lookup_users(&self, ids: &[UserId]) -> Result<Vec<User>, Error> {
        let ids = ids.iter().map(|id| id.uuid());
        let query = user::Entity::all().filter(user::Column::Id.is_in(ids));
        Ok(query.all(&self.connection()).await?.into_iter().map(User::from).collect())
    }

    /// Keeps a one-time sign-in link.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the person or organisation is not there.
    pub async fn create_sign_in_link(&self, new: NewSignInLink) -> Result<(), Error> {
        let _turn = self.turn().await?;
        let row = sign_in_link::ActiveModel {
            id: Set(new.id.uuid()),
            hash: Set(new.hash.to_hex()),
            user_id: Set(new.user.uuid()),
            tenant_id: Set(new.tenant.uuid()),
            created_at: Set(kept(new.created_at)),
            expires_at: Set(kept(new.expires_at)),
            used_at: Set(None),
        };
        sign_in_link::Entity::insert(row)
            .exec_without_returning(&self.connection())
            .await
            .map_err(Error::of_write("link"))?;
        Ok(())
    }

    /// A link that can still be used. Look, then use it up where what follows from it is kept as well.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_sign_in_link(
        &self,
        hash: TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<SignInLink>, Error> {
        let query = sign_in_link::Entity::all()
            .filter(sign_in_link::Column::Hash.eq(hash.to_hex()))
            .filter(sign_in_link::Column::UsedAt.is_null())
            .filter(sign_in_link::Column::ExpiresAt.gt(kept(now)));
        Ok(query.one(&self.connection()).await?.map(SignInLink::from))
    }

    /// Uses a link up: one statement, so that of any number of callers one gets it. `None` when it is unknown, used or
    /// expired.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn redeem_sign_in_link(
        &self,
        hash: TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<SignInLink>, Error> {
        let _turn = self.turn().await?;
        let now = kept(now);
        let rows = sign_in_link::Entity::all_update()
            .col_expr(sign_in_link::Column::UsedAt, Expr::value(now))
            .filter(sign_in_link::Column::Hash.eq(hash.to_hex()))
            .filter(sign_in_link::Column::UsedAt.is_null())
            .filter(sign_in_link::Column::ExpiresAt.gt(now))
            .exec_with_returning(&self.connection())
            .await?;
        Ok(rows.into_iter().next().map(SignInLink::from))
    }

    /// Removes sessions, links, attempts and logout tokens that ended before a time. Gives how many there were.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn purge_expired(&self, before: DateTime<Utc>) -> Result<u64, Error> {
        let _turn = self.turn().await?;
        let before = kept(before);
        let sessions = session::Entity::all_delete()
            .filter(session::Column::ExpiresAt.lt(before))
            .exec(&self.connection())
            .await?;
        let links = sign_in_link::Entity::all_delete()
            .filter(sign_in_link::Column::ExpiresAt.lt(before))
            .exec(&self.connection())
            .await?;
        let attempts = sign_in_attempt::Entity::all_delete()
            .filter(sign_in_attempt::Column::ExpiresAt.lt(before))
            .exec(&self.connection())
            .await?;
        let logouts = logout_token::Entity::all_delete()
            .filter(logout_token::Column::ExpiresAt.lt(before))
            .exec(&self.connection())
            .await?;
        Ok(sessions.rows_affected
            + links.rows_affected
            + attempts.rows_affected
            + logouts.rows_affected)
    }

    /// Whose key this is. A revoked key leads nowhere; whether it has expired is for the key itself to say.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_api_key(
        &self,
        hash: TokenHash,
    ) -> Result<Option<(TenantId, ApiKeyId)>, Error> {
        let query =
            api_key_hash::Entity::all().filter(api_key_hash::Column::Hash.eq(hash.to_hex()));
        let row = query.one(&self.connection()).await?;
        Ok(row.map(|row| (TenantId::from_uuid(row.tenant_id), ApiKeyId::from_uuid(row.api_key_id))))
    }

    pub(crate) fn connection(&self) -> DatabaseExecutor<'s> {
        match self.0 {
            Place::Store(store) => store.connection().into(),
            Place::Within(transaction) => transaction.into(),
        }
    }

    /// A transaction has its turn already.
    pub(crate) async fn turn(&self) -> Result<Option<Turn>, Error> {
        match self.0 {
            Place::Store(store) => store.take_turn().await,
            Place::Within(_) => Ok(None),
        }
    }
}

fn address(email: &str) -> String {
    text::storable(email.trim().to_lowercase())
}

impl From<sign_in_link::Model> for SignInLink {
    fn from(row: sign_in_link::Model) -> Self {
        Self {
            id: SignInLinkId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            user: UserId::from_uuid(row.user_id),
        }
    }
}

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        Self {
            id: UserId::from_uuid(row.id),
            email: row.email,
            display_name: row.display_name,
            created_at: row.created_at,
        }
    }
}
