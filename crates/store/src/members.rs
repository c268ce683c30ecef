//! Who belongs to a tenant.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{
    Classification, Granted, Membership, MembershipId, Page, PageArgs, Role, TenantId, User,
    UserId,
    authz::permission::{MemberRead, MemberWrite},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, Order, QueryFilter,
    sea_query::{Expr, SimpleExpr},
};

use crate::{
    Error, Tx,
    entity::{affiliation, membership},
    page,
    scoped::TenantOwned,
    time::kept,
};

/// Members of the transaction's tenant.
pub struct Members<'t> {
    tx: &'t Tx,
}

/// A membership to be made.
#[derive(Debug, Clone)]
pub struct NewMember {
    pub id: MembershipId,
    pub user: UserId,
    pub role: Role,
    pub clearance: Classification,
    pub created_at: DateTime<Utc>,
}

// === impl Members ===

impl<'t> Members<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// Members with the people behind them, oldest first.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<MemberRead>,
        args: &PageArgs,
    ) -> Result<Page<(Membership, User)>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = membership::Entity::scoped(granted);
        let rows = page::read(query, membership::Column::Id, Order::Asc, args, connection).await?;
        let ids: Vec<UserId> =
            rows.items.iter().map(|(_, row)| UserId::from_uuid(row.user_id)).collect();
        let users = self.tx.directory().lookup_users(&ids).await?;
        let mut users: HashMap<UserId, User> =
            users.into_iter().map(|user| (user.id, user)).collect();
        page::convert(rows, |row| {
            let membership = Membership::try_from(row)?;
            let user = users.remove(&membership.user).ok_or(Error::NotFound)?;
            Ok((membership, user))
        })
    }

    /// The membership of a person.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find(
        &self,
        granted: &Granted<MemberRead>,
        user: UserId,
    ) -> Result<Option<Membership>, Error> {
        let connection = self.tx.reading(granted)?;
        let query =
            membership::Entity::scoped(granted).filter(membership::Column::UserId.eq(user.uuid()));
        query.one(connection).await?.map(Membership::try_from).transpose()
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<MemberRead>,
        id: MembershipId,
    ) -> Result<Membership, Error> {
        let connection = self.tx.reading(granted)?;
        let query =
            membership::Entity::scoped(granted).filter(membership::Column::Id.eq(id.uuid()));
        query.one(connection).await?.ok_or(Error::NotFound)?.try_into()
    }

    /// Adds a person.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `user` when they belong to it already, [`Error::NotFound`] when there is no such person.
    pub async fn create(
        &self,
        granted: &Granted<MemberWrite>,
        new: NewMember,
    ) -> Result<Membership, Error> {
        let connection = self.tx.writing(granted)?;
        let row = membership::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            user_id: Set(new.user.uuid()),
            role: Set(new.role.as_str().to_owned()),
            clearance: Set(new.clearance.as_str().to_owned()),
            created_at: Set(kept(new.created_at)),
            deactivated_at: Set(None),
            suspended_at: Set(None),
        };
        let row = membership::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("user"))?;
        // Removed with the membership, by the database.
        let affiliation =
            affiliation::ActiveModel { tenant_id: Set(row.tenant_id), user_id: Set(row.user_id) };
        affiliation::Entity::insert(affiliation).exec_without_returning(connection).await?;
        row.try_into()
    }

    /// Gives a member another role.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn update(
        &self,
        granted: &Granted<MemberWrite>,
        id: MembershipId,
        role: Role,
    ) -> Result<Membership, Error> {
        let connection = self.tx.writing(granted)?;
        let rows = membership::Entity::scoped_update(granted)
            .filter(membership::Column::Id.eq(id.uuid()))
            .col_expr(membership::Column::Role, Expr::value(role.as_str()))
            .exec_with_returning(connection)
            .await?;
        rows.into_iter().next().ok_or(Error::NotFound)?.try_into()
    }

    /// Gives a member another clearance.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn set_clearance(
        &self,
        granted: &Granted<MemberWrite>,
        id: MembershipId,
        clearance: Classification,
    ) -> Result<(), Error> {
        let value = Expr::value(clearance.as_str());
        self.set(granted, id, membership::Column::Clearance, value).await
    }

    /// Suspends a member (`Some`: since then) or lets them in again.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn set_suspended(
        &self,
        granted: &Granted<MemberWrite>,
        id: MembershipId,
        since: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        let value = Expr::value(since.map(kept));
        self.set(granted, id, membership::Column::SuspendedAt, value).await
    }

    async fn set(
        &self,
        granted: &Granted<MemberWrite>,
        id: MembershipId,
        column: membership::Column,
        value: SimpleExpr,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let changed = membership::Entity::scoped_update(granted)
            .filter(membership::Column::Id.eq(id.uuid()))
            .col_expr(column, value)
            .exec(connection)
            .await?;
        if changed.rows_affected == 0 { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Removes a member. The person and what they did stay.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove(
        &self,
        granted: &Granted<MemberWrite>,
        id: MembershipId,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let removed = membership::Entity::scoped_delete(granted)
            .filter(membership::Column::Id.eq(id.uuid()))
            .exec(connection)
            .await?;
        if removed.rows_affected == 0 { Err(Error::NotFound) } else { Ok(()) }
    }
}

impl TryFrom<membership::Model> for Membership {
    type Error = Error;

    fn try_from(row: membership::Model) -> Result<Self, Error> {
        let unreadable = |column| Error::Unreadable { table: "memberships", column };
        let role = Role::parse(&row.role).ok_or(unreadable("role"))?;
        let clearance = Classification::parse(&row.clearance).ok_or(unreadable("clearance"))?;
        Ok(Self {
            id: MembershipId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            user: UserId::from_uuid(row.user_id),
            role,
            clearance,
            created_at: row.created_at,
            deactivated_at: row.deactivated_at,
            suspended_at: row.suspended_at,
        })
    }
}
