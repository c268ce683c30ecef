//! Custom roles of a tenant, and who has them.

use chrono::{DateTime, Utc};
use domain::{
    CustomRole, CustomRoleId, Granted, GroupId, MembershipId, Page, PageArgs, PermissionSet,
    RoleAssignment, RoleAssignmentId, RoleHolder, TenantId,
    authz::permission::{MemberRead, MemberWrite},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, Order, PaginatorTrait, QueryFilter,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use crate::{
    Error, Tx,
    entity::{custom_role, role_assignment},
    page,
    scoped::TenantOwned,
    text,
    time::kept,
};

/// Custom roles of the transaction's tenant.
pub struct CustomRoles<'t> {
    tx: &'t Tx,
}

/// A role to be made.
#[derive(Debug, Clone)]
pub struct NewCustomRole {
    pub id: CustomRoleId,
    pub name: String,
    pub description: String,
    pub permissions: PermissionSet,
    pub created_at: DateTime<Utc>,
}

/// What a role is from now on.
#[derive(Debug, Clone)]
pub struct CustomRoleChange {
    pub name: String,
    pub description: String,
    pub permissions: PermissionSet,
    /// The version that the change is based on; `None` overwrites whatever is there.
    pub expected: Option<i64>,
    pub at: DateTime<Utc>,
}

// === impl CustomRoles ===

impl<'t> CustomRoles<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// A page of all, oldest first.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<MemberRead>,
        args: &PageArgs,
    ) -> Result<Page<CustomRole>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = custom_role::Entity::scoped(granted);
        let rows = page::read(query, custom_role::Column::Id, Order::Asc, args, connection).await?;
        page::convert(rows, CustomRole::try_from)
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<MemberRead>,
        id: CustomRoleId,
    ) -> Result<CustomRole, Error> {
        let connection = self.tx.reading(granted)?;
        let query =
            custom_role::Entity::scoped(granted).filter(custom_role::Column::Id.eq(id.uuid()));
        query.one(connection).await?.ok_or(Error::NotFound)?.try_into()
    }

    /// What custom roles give a member, by themselves and by their groups.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn permissions_of(
        &self,
        granted: &Granted<MemberRead>,
        member: Option<MembershipId>,
        groups: &[GroupId],
    ) -> Result<PermissionSet, Error> {
        let connection = self.tx.reading(granted)?;
        let mut held = Condition::any()
            .add(role_assignment::Column::GroupId.is_in(groups.iter().map(|group| group.uuid())));
        if let Some(member) = member {
            held = held.add(role_assignment::Column::MembershipId.eq(member.uuid()));
        }
        let assigned =
            role_assignment::Entity::scoped(granted).filter(held).all(connection).await?;
        if assigned.is_empty() {
            return Ok(PermissionSet::EMPTY);
        }
        let ids = assigned.iter().map(|row| row.role_id);
        let query = custom_role::Entity::scoped(granted).filter(custom_role::Column::Id.is_in(ids));
        let mut all = PermissionSet::EMPTY;
        for row in query.all(connection).await? {
            all = all.union(CustomRole::try_from(row)?.permissions);
        }
        Ok(all)
    }

    /// Makes a role.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `name`.
    pub async fn create(
        &self,
        granted: &Granted<MemberWrite>,
        new: NewCustomRole,
    ) -> Result<CustomRole, Error> {
        let connection = self.tx.writing(granted)?;
        let row = custom_role::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            name: Set(text::storable(new.name)),
            description: Set(text::storable(new.description)),
            permissions: Set(serde_json::json!(new.permissions)),
            version: Set(1),
            created_at: Set(kept(new.created_at)),
            updated_at: Set(kept(new.created_at)),
        };
        let row = custom_role::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("name"))?;
        row.try_into()
    }

    /// Changes a role, and counts that as a version.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`] when it is no longer the expected version, [`Error::Conflict`] on `name`.
    pub async fn update(
        &self,
        granted: &Granted<MemberWrite>,
        id: CustomRoleId,
        change: CustomRoleChange,
    ) -> Result<CustomRole, Error> {
        let connection = self.tx.writing(granted)?;
        let mut query = custom_role::Entity::scoped_update(granted)
            .filter(custom_role::Column::Id.eq(id.uuid()))
            .col_expr(custom_role::Column::Name, Expr::value(text::storable(change.name)))
            .col_expr(
                custom_role::Column::Description,
                Expr::value(text::storable(change.description)),
            )
            .col_expr(
                custom_role::Column::Permissions,
                Expr::value(serde_json::json!(change.permissions)),
            )
            .col_expr(custom_role::Column::Version, Expr::col(custom_role::Column::Version).add(1))
            .col_expr(custom_role::Column::UpdatedAt, Expr::value(kept(change.at)));
        if let Some(expected) = change.expected {
            query = query.filter(custom_role::Column::Version.eq(expected));
        }
        let rows = query.exec_with_returning(connection).await.map_err(Error::of_write("name"))?;
        if let Some(row) = rows.into_iter().next() {
            return row.try_into();
        }
        let there =
            custom_role::Entity::scoped(granted).filter(custom_role::Column::Id.eq(id.uuid()));
        Err(if there.count(connection).await? == 0 { Error::NotFound } else { Error::Stale })
    }

    /// Removes a role that nobody has.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Database`] while somebody has it: the database refuses.
    pub async fn remove(
        &self,
        granted: &Granted<MemberWrite>,
        id: CustomRoleId,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let removed = custom_role::Entity::scoped_delete(granted)
            .filter(custom_role::Column::Id.eq(id.uuid()))
            .exec(connection)
            .await?;
        if removed.rows_affected == 0 { Err(Error::NotFound) } else { Ok(()) }
    }

    /// A page of who has a role, oldest first.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list_assignments(
        &self,
        granted: &Granted<MemberRead>,
        id: CustomRoleId,
        args: &PageArgs,
    ) -> Result<Page<RoleAssignment>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = role_assignment::Entity::scoped(granted)
            .filter(role_assignment::Column::RoleId.eq(id.uuid()));
        let by = role_assignment::Column::Id;
        let rows = page::read(query, by, Order::Asc, args, connection).await?;
        page::convert(rows, RoleAssignment::try_from)
    }

    /// Gives a role to somebody; who has it already is passed over.
    ///
    /// # Errors
    /// [`Error::NotFound`] when role or holder are not there.
    pub async fn assign(
        &self,
        granted: &Granted<MemberWrite>,
        id: CustomRoleId,
        holder: RoleHolder,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let (member, group) = columns(holder);
        let row = role_assignment::ActiveModel {
            id: Set(RoleAssignmentId::generate().uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            role_id: Set(id.uuid()),
            membership_id: Set(member),
            group_id: Set(group),
            created_at: Set(kept(at)),
        };
        role_assignment::Entity::insert(row)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(connection)
            .await
            .map_err(Error::of_write("holder"))?;
        Ok(())
    }

    /// Takes a role from somebody. Gives whether they had it.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn unassign(
        &self,
        granted: &Granted<MemberWrite>,
        id: CustomRoleId,
        holder: RoleHolder,
    ) -> Result<bool, Error> {
        let connection = self.tx.writing(granted)?;
        let held = match holder {
            RoleHolder::Member(id) => role_assignment::Column::MembershipId.eq(id.uuid()),
            RoleHolder::Group(id) => role_assignment::Column::GroupId.eq(id.uuid()),
        };
        let removed = role_assignment::Entity::scoped_delete(granted)
            .filter(role_assignment::Column::RoleId.eq(id.uuid()))
            .filter(held)
            .exec(connection)
            .await?;
        Ok(removed.rows_affected > 0)
    }
}

fn columns(holder: RoleHolder) -> (Option<uuid::Uuid>, Option<uuid::Uuid>) {
    match holder {
        RoleHolder::Member(id) => (Some(id.uuid()), None),
        RoleHolder::Group(id) => (None, Some(id.uuid())),
    }
}

impl TryFrom<custom_role::Model> for CustomRole {
    type Error = Error;

    fn try_from(row: custom_role::Model) -> Result<Self, Error> {
        let unreadable = |_| Error::Unreadable { table: "custom_roles", column: "permissions" };
        Ok(Self {
            id: CustomRoleId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            name: row.name,
            description: row.description,
            permissions: serde_json::from_value(row.permissions).map_err(unreadable)?,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl TryFrom<role_assignment::Model> for RoleAssignment {
    type Error = Error;

    fn try_from(row: role_assignment::Model) -> Result<Self, Error> {
        let holder = match (row.membership_id, row.group_id) {
            (Some(id), None) => RoleHolder::Member(MembershipId::from_uuid(id)),
            (None, Some(id)) => RoleHolder::Group(GroupId::from_uuid(id)),
            _ => return Err(Error::Unreadable { table: "role_assignments", column: "group_id" }),
        };
        Ok(Self {
            id: RoleAssignmentId::from_uuid(row.id),
            role: CustomRoleId::from_uuid(row.role_id),
            holder,
            created_at: row.created_at,
        })
    }
}
