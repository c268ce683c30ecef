//! Keys for AI clients and scripts. Only hashes are kept, in a global table that leads from a presented key to its tenant.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{
    ApiKey, ApiKeyId, Granted, InstallId, Page, PageArgs, Role, TenantId, TokenHash, UserId,
    authz::{
        Permission,
        permission::{ApiKeyRead, ApiKeyWrite, EndpointRead},
    },
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, Order, QueryFilter,
    sea_query::Expr,
};
use uuid::Uuid;

use crate::{
    Error, Tx,
    entity::{api_key, api_key_hash},
    page,
    scoped::TenantOwned,
    text,
    time::kept,
};

/// API keys of the transaction's tenant.
pub struct ApiKeys<'t> {
    tx: &'t Tx,
}

/// A key to be kept.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    pub id: ApiKeyId,
    pub name: String,
    /// First characters, for display.
    pub prefix: String,
    pub last_four: String,
    pub role: Role,
    /// `Some` limits the key to these installs.
    pub installs: Option<Vec<InstallId>>,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub hash: TokenHash,
}

// === impl ApiKeys ===

impl<'t> ApiKeys<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// One by its id, revoked or not.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<ApiKeyRead>,
        id: ApiKeyId,
    ) -> Result<ApiKey, Error> {
        one(self.tx.reading(granted)?, granted, id).await
    }

    /// A page of all, newest first, revoked ones included.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<ApiKeyRead>,
        args: &PageArgs,
    ) -> Result<Page<ApiKey>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = api_key::Entity::scoped(granted);
        let rows = page::read(query, api_key::Column::Id, Order::Desc, args, connection).await?;
        page::convert(rows, ApiKey::try_from)
    }

    /// All that are not revoked, with the hash under which each is presented.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list_live(
        &self,
        granted: &Granted<EndpointRead>,
    ) -> Result<Vec<(TokenHash, ApiKey)>, Error> {
        let connection = self.tx.reading(granted)?;
        let hashes = api_key_hash::Entity::scoped(granted).all(connection).await?;
        let mut hashes: HashMap<Uuid, String> =
            hashes.into_iter().map(|row| (row.api_key_id, row.hash)).collect();
        let query = api_key::Entity::scoped(granted).filter(api_key::Column::RevokedAt.is_null());
        let mut live = Vec::new();
        for row in query.all(connection).await? {
            // Without a hash the key was revoked after the hashes were read.
            let Some(hash) = hashes.remove(&row.id) else { continue };
            let hash = TokenHash::from_hex(&hash)
                .ok_or(Error::Unreadable { table: "api_key_hashes", column: "hash" })?;
            live.push((hash, ApiKey::try_from(row)?));
        }
        Ok(live)
    }

    /// Keeps a key.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `hash`: the text was made before.
    pub async fn create(
        &self,
        granted: &Granted<ApiKeyWrite>,
        new: NewApiKey,
    ) -> Result<ApiKey, Error> {
        let connection = self.tx.writing(granted)?;
        let tenant_id = granted.tenant().uuid();
        let row = api_key::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(tenant_id),
            name: Set(text::storable(new.name)),
            prefix: Set(new.prefix),
            last_four: Set(new.last_four),
            role: Set(new.role.as_str().to_owned()),
            installs: Set(new.installs.map(|some| serde_json::json!(some))),
            created_by: Set(new.created_by.map(UserId::uuid)),
            created_at: Set(kept(new.created_at)),
            expires_at: Set(new.expires_at.map(kept)),
            last_used_at: Set(None),
            revoked_at: Set(None),
        };
        let row = api_key::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("id"))?;
        let hash = api_key_hash::ActiveModel {
            hash: Set(new.hash.to_hex()),
            tenant_id: Set(tenant_id),
            api_key_id: Set(new.id.uuid()),
        };
        api_key_hash::Entity::insert(hash)
            .exec_without_returning(connection)
            .await
            .map_err(Error::of_write("hash"))?;
        row.try_into()
    }

    /// Revokes a key: it stays in the list, and its hash leads nowhere any more. Revoking again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn revoke(
        &self,
        granted: &Granted<ApiKeyWrite>,
        id: ApiKeyId,
        at: DateTime<Utc>,
    ) -> Result<ApiKey, Error> {
        let connection = self.tx.writing(granted)?;
        api_key::Entity::scoped_update(granted)
            .filter(api_key::Column::Id.eq(id.uuid()))
            .filter(api_key::Column::RevokedAt.is_null())
            .col_expr(api_key::Column::RevokedAt, Expr::value(kept(at)))
            .exec(connection)
            .await?;
        api_key_hash::Entity::scoped_delete(granted)
            .filter(api_key_hash::Column::ApiKeyId.eq(id.uuid()))
            .exec(connection)
            .await?;
        one(connection, granted, id).await
    }

    /// Notes that a key was used. A key that is gone is fine: this is written some time after the use.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn touch_used(
        &self,
        granted: &Granted<ApiKeyWrite>,
        id: ApiKeyId,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        api_key::Entity::scoped_update(granted)
            .filter(api_key::Column::Id.eq(id.uuid()))
            .col_expr(api_key::Column::LastUsedAt, Expr::value(kept(at)))
            .exec(connection)
            .await?;
        Ok(())
    }
}

async fn one<P: Permission>(
    connection: &DatabaseTransaction,
    granted: &Granted<P>,
    id: ApiKeyId,
) -> Result<ApiKey, Error> {
    let query = api_key::Entity::scoped(granted).filter(api_key::Column::Id.eq(id.uuid()));
    query.one(connection).await?.ok_or(Error::NotFound)?.try_into()
}

impl TryFrom<api_key::Model> for ApiKey {
    type Error = Error;

    fn try_from(row: api_key::Model) -> Result<Self, Error> {
        let unreadable = |column| Error::Unreadable { table: "api_keys", column };
        let role = Role::parse(&row.role).ok_or(unreadable("role"))?;
        let installs = row.installs.map(serde_json::from_value).transpose();
        Ok(Self {
            id: ApiKeyId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            name: row.name,
            prefix: row.prefix,
            last_four: row.last_four,
            role,
            // An unreadable limit must not become no limit.
            installs: installs.map_err(|_| unreadable("installs"))?,
            created_by: row.created_by.map(UserId::from_uuid),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        })
    }
}
