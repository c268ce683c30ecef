//! Everything that is sealed under a data key, wherever it stands: the list that a rotation goes through.

use domain::{Granted, authz::permission::KeyRotate};
use sea_orm::{
    ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, Func, IntoColumnRef},
};
use uuid::Uuid;

use crate::{
    Error, Tx,
    entity::{credential, sso_connection, webhook_secret},
    scoped::TenantOwned,
};

/// A table with a sealed column. A new one belongs into the list: what is not in it is lost with the first rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedTable {
    Credentials,
    SsoConnections,
    WebhookSecrets,
}

/// Sealed bytes at their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRow {
    pub table: SealedTable,
    pub id: Uuid,
    /// Part of the associated data of the seal, with the id.
    pub version: i64,
    pub sealed: Vec<u8>,
}

/// The sealed secrets of the transaction's tenant.
pub struct Sealed<'t> {
    tx: &'t Tx,
}

/// Which columns of a table say what is sealed there.
trait SealedEntity: TenantOwned {
    const ID: Self::Column;
    const VERSION: Self::Column;
    const SEALED: Self::Column;
}

impl SealedEntity for credential::Entity {
    const ID: Self::Column = credential::Column::Id;
    const VERSION: Self::Column = credential::Column::Version;
    const SEALED: Self::Column = credential::Column::Sealed;
}

impl SealedEntity for sso_connection::Entity {
    const ID: Self::Column = sso_connection::Column::Id;
    const VERSION: Self::Column = sso_connection::Column::SecretVersion;
    const SEALED: Self::Column = sso_connection::Column::SealedSecret;
}

impl SealedEntity for webhook_secret::Entity {
    const ID: Self::Column = webhook_secret::Column::Id;
    const VERSION: Self::Column = webhook_secret::Column::Version;
    const SEALED: Self::Column = webhook_secret::Column::Sealed;
}

// === impl SealedTable ===

impl SealedTable {
    pub const ALL: &[SealedTable] =
        &[SealedTable::Credentials, SealedTable::SsoConnections, SealedTable::WebhookSecrets];
}

// === impl Sealed ===

impl<'t> Sealed<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// How many secrets do not begin with these bytes: with the header of the newest seal, those that are sealed otherwise.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn count_others(
        &self,
        granted: &Granted<KeyRotate>,
        header: &[u8],
    ) -> Result<i64, Error> {
        let connection = self.tx.reading(granted)?;
        let credentials = others::<credential::Entity>(granted, header).count(connection).await?;
        let secrets = others::<sso_connection::Entity>(granted, header).count(connection).await?;
        let signing = others::<webhook_secret::Entity>(granted, header).count(connection).await?;
        Ok(i64::try_from(credentials + secrets + signing).unwrap_or(i64::MAX))
    }

    /// Some of them.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list_others(
        &self,
        granted: &Granted<KeyRotate>,
        table: SealedTable,
        header: &[u8],
        limit: u64,
    ) -> Result<Vec<SealedRow>, Error> {
        match table {
            SealedTable::Credentials => {
                self.list::<credential::Entity>(granted, table, header, limit).await
            }
            SealedTable::SsoConnections => {
                self.list::<sso_connection::Entity>(granted, table, header, limit).await
            }
            SealedTable::WebhookSecrets => {
                self.list::<webhook_secret::Entity>(granted, table, header, limit).await
            }
        }
    }

    /// Keeps other bytes at the place of a secret, if it has not changed since it was read. `false` when it has.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn replace(
        &self,
        granted: &Granted<KeyRotate>,
        was: &SealedRow,
        sealed: Vec<u8>,
    ) -> Result<bool, Error> {
        match was.table {
            SealedTable::Credentials => {
                self.exchange::<credential::Entity>(granted, was, sealed).await
            }
            SealedTable::SsoConnections => {
                self.exchange::<sso_connection::Entity>(granted, was, sealed).await
            }
            SealedTable::WebhookSecrets => {
                self.exchange::<webhook_secret::Entity>(granted, was, sealed).await
            }
        }
    }

    async fn list<E: SealedEntity>(
        &self,
        granted: &Granted<KeyRotate>,
        table: SealedTable,
        header: &[u8],
        limit: u64,
    ) -> Result<Vec<SealedRow>, Error> {
        let rows = others::<E>(granted, header)
            .select_only()
            .columns([E::ID, E::VERSION, E::SEALED])
            .order_by_asc(E::ID)
            .limit(limit)
            .into_tuple::<(Uuid, i64, Vec<u8>)>()
            .all(self.tx.reading(granted)?)
            .await?;
        let row = |(id, version, sealed)| SealedRow { table, id, version, sealed };
        Ok(rows.into_iter().map(row).collect())
    }

    async fn exchange<E: SealedEntity>(
        &self,
        granted: &Granted<KeyRotate>,
        was: &SealedRow,
        sealed: Vec<u8>,
    ) -> Result<bool, Error> {
        let done = E::scoped_update(granted)
            .col_expr(E::SEALED, Expr::value(sealed))
            .filter(E::ID.eq(was.id))
            .filter(E::VERSION.eq(was.version))
            .filter(E::SEALED.eq(was.sealed.clone()))
            .exec(self.tx.writing(granted)?)
            .await?;
        Ok(done.rows_affected > 0)
    }
}

fn others<E: SealedEntity>(granted: &Granted<KeyRotate>, header: &[u8]) -> Select<E> {
    let length = i32::try_from(header.len()).unwrap_or(i32::MAX);
    let beginning = Func::cust("substr").arg(E::SEALED.into_column_ref()).arg(1).arg(length);
    E::scoped(granted)
        .filter(E::SEALED.is_not_null())
        .filter(Expr::from(beginning).ne(header.to_vec()))
}
