//! Invitations of a tenant. Only hashes of their tokens are kept.

use chrono::{DateTime, Utc};
use domain::{
    Classification, Granted, GroupId, Invitation, InvitationId, Page, PageArgs, Role, TenantId,
    TokenHash,
    authz::permission::{MemberRead, MemberWrite},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, Order, QueryFilter, sea_query::Expr,
};

use crate::{Error, Tx, entity::invitation, page, scoped::TenantOwned, text, time::kept};

/// Invitations of the transaction's tenant.
pub struct Invitations<'t> {
    tx: &'t Tx,
}

/// An invitation to be kept, under the hash of its token.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    pub id: InvitationId,
    pub email: String,
    pub role: Role,
    pub clearance: Classification,
    pub groups: Vec<GroupId>,
    pub hash: TokenHash,
    pub invited_by: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

// === impl Invitations ===

impl<'t> Invitations<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// A page of all, newest first, whatever became of them.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<MemberRead>,
        args: &PageArgs,
    ) -> Result<Page<Invitation>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = invitation::Entity::scoped(granted);
        let rows = page::read(query, invitation::Column::Id, Order::Desc, args, connection).await?;
        page::convert(rows, Invitation::try_from)
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<MemberRead>,
        id: InvitationId,
    ) -> Result<Invitation, Error> {
        let connection = self.tx.reading(granted)?;
        let query =
            invitation::Entity::scoped(granted).filter(invitation::Column::Id.eq(id.uuid()));
        query.one(connection).await?.ok_or(Error::NotFound)?.try_into()
    }

    /// The open invitation of a token: neither accepted, revoked nor expired.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find(
        &self,
        granted: &Granted<MemberRead>,
        hash: TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<Invitation>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = invitation::Entity::scoped(granted).filter(of_token(hash, now));
        query.one(connection).await?.map(Invitation::try_from).transpose()
    }

    /// The invitation of an address that waits or has expired.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_open(
        &self,
        granted: &Granted<MemberRead>,
        email: &str,
    ) -> Result<Option<Invitation>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = invitation::Entity::scoped(granted)
            .filter(open())
            .filter(invitation::Column::Email.eq(text::storable(email.to_owned())));
        query.one(connection).await?.map(Invitation::try_from).transpose()
    }

    /// Keeps an invitation.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `email` when the address has an open one.
    pub async fn create(
        &self,
        granted: &Granted<MemberWrite>,
        new: NewInvitation,
    ) -> Result<Invitation, Error> {
        let connection = self.tx.writing(granted)?;
        let row = invitation::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            email: Set(text::storable(new.email)),
            role: Set(new.role.as_str().to_owned()),
            clearance: Set(new.clearance.as_str().to_owned()),
            group_ids: Set(serde_json::json!(new.groups)),
            hash: Set(new.hash.to_hex()),
            invited_by: Set(new.invited_by),
            created_at: Set(kept(new.created_at)),
            expires_at: Set(kept(new.expires_at)),
            accepted_at: Set(None),
            revoked_at: Set(None),
        };
        let row = invitation::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("email"))?;
        row.try_into()
    }

    /// Gives an open invitation another token and time; the earlier token leads nowhere any more.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not open.
    pub async fn renew(
        &self,
        granted: &Granted<MemberWrite>,
        id: InvitationId,
        hash: TokenHash,
        expires_at: DateTime<Utc>,
    ) -> Result<Invitation, Error> {
        let connection = self.tx.writing(granted)?;
        let rows = invitation::Entity::scoped_update(granted)
            .filter(invitation::Column::Id.eq(id.uuid()))
            .filter(open())
            .col_expr(invitation::Column::Hash, Expr::value(hash.to_hex()))
            .col_expr(invitation::Column::ExpiresAt, Expr::value(kept(expires_at)))
            .exec_with_returning(connection)
            .await?;
        rows.into_iter().next().ok_or(Error::NotFound)?.try_into()
    }

    /// Takes an open invitation back.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not open.
    pub async fn revoke(
        &self,
        granted: &Granted<MemberWrite>,
        id: InvitationId,
        at: DateTime<Utc>,
    ) -> Result<Invitation, Error> {
        let connection = self.tx.writing(granted)?;
        let rows = invitation::Entity::scoped_update(granted)
            .filter(invitation::Column::Id.eq(id.uuid()))
            .filter(open())
            .col_expr(invitation::Column::RevokedAt, Expr::value(kept(at)))
            .exec_with_returning(connection)
            .await?;
        rows.into_iter().next().ok_or(Error::NotFound)?.try_into()
    }

    /// Uses an invitation up: one statement, so that of any number of callers one gets it. `None` when there is none to be had.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn redeem(
        &self,
        granted: &Granted<MemberWrite>,
        hash: TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<Invitation>, Error> {
        let connection = self.tx.writing(granted)?;
        let rows = invitation::Entity::scoped_update(granted)
            .filter(of_token(hash, now))
            .col_expr(invitation::Column::AcceptedAt, Expr::value(kept(now)))
            .exec_with_returning(connection)
            .await?;
        rows.into_iter().next().map(Invitation::try_from).transpose()
    }
}

fn open() -> Condition {
    Condition::all()
        .add(invitation::Column::AcceptedAt.is_null())
        .add(invitation::Column::RevokedAt.is_null())
}

fn of_token(hash: TokenHash, now: DateTime<Utc>) -> Condition {
    open()
        .add(invitation::Column::Hash.eq(hash.to_hex()))
        .add(invitation::Column::ExpiresAt.gt(kept(now)))
}

impl TryFrom<invitation::Model> for Invitation {
    type Error = Error;

    fn try_from(row: invitation::Model) -> Result<Self, Error> {
        let unreadable = |column| Error::Unreadable { table: "invitations", column };
        Ok(Self {
            id: InvitationId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            email: row.email,
            role: Role::parse(&row.role).ok_or(unreadable("role"))?,
            clearance: Classification::parse(&row.clearance).ok_or(unreadable("clearance"))?,
            groups: serde_json::from_value(row.group_ids).map_err(|_| unreadable("group_ids"))?,
            invited_by: row.invited_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            accepted_at: row.accepted_at,
            revoked_at: row.revoked_at,
        })
    }
}
