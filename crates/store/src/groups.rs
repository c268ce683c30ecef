//! Groups of a tenant's members.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{
    Granted, Group, GroupId, GroupSource, MembershipId, Page, PageArgs, TenantId,
    authz::permission::{MemberRead, MemberWrite},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, Order, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, ExprTrait, Func, OnConflict},
};

use crate::{
    Error, Tx,
    entity::{group, group_member},
    page,
    scoped::TenantOwned,
    text,
    time::kept,
};

/// Members are added and removed in portions of this size: databases limit the values of one statement.
const PORTION: usize = 500;

/// Groups of the transaction's tenant.
pub struct Groups<'t> {
    tx: &'t Tx,
}

/// A group to be made.
#[derive(Debug, Clone)]
pub struct NewGroup {
    pub id: GroupId,
    pub name: String,
    pub external_id: Option<String>,
    pub source: GroupSource,
    pub created_at: DateTime<Utc>,
}

/// What a group is from now on.
#[derive(Debug, Clone)]
pub struct GroupChange {
    pub name: String,
    pub external_id: Option<String>,
    pub source: GroupSource,
    /// The version that the change is based on; `None` overwrites whatever is there.
    pub expected: Option<i64>,
    pub at: DateTime<Utc>,
}

/// Which groups are meant, as far as the database can tell: an empty one means all.
#[derive(Debug, Clone, Default)]
pub struct GroupMatch {
    pub id: Option<GroupId>,
    pub name: Option<String>,
    pub external_id: Option<String>,
}

// === impl Groups ===

impl<'t> Groups<'t> {
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
    ) -> Result<Page<Group>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = group::Entity::scoped(granted);
        let rows = page::read(query, group::Column::Id, Order::Asc, args, connection).await?;
        page::convert(rows, Group::try_from)
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(&self, granted: &Granted<MemberRead>, id: GroupId) -> Result<Group, Error> {
        let connection = self.tx.reading(granted)?;
        let query = group::Entity::scoped(granted).filter(group::Column::Id.eq(id.uuid()));
        query.one(connection).await?.ok_or(Error::NotFound)?.try_into()
    }

    /// Groups that match, oldest first: those after `skip` of them, at most `limit`, and how many there are in all.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_matching(
        &self,
        granted: &Granted<MemberRead>,
        wanted: &GroupMatch,
        (skip, limit): (u64, u64),
    ) -> Result<(Vec<Group>, u64), Error> {
        let connection = self.tx.reading(granted)?;
        let query = group::Entity::scoped(granted).filter(wanted.condition());
        let total = query.clone().count(connection).await?;
        let query = query.order_by_asc(group::Column::Id).offset(skip).limit(limit);
        let rows = query.all(connection).await?;
        let groups = rows.into_iter().map(Group::try_from).collect::<Result<_, _>>()?;
        Ok((groups, total))
    }

    /// Groups of a member, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn of_member(
        &self,
        granted: &Granted<MemberRead>,
        member: MembershipId,
    ) -> Result<Vec<GroupId>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = group_member::Entity::scoped(granted)
            .filter(group_member::Column::MembershipId.eq(member.uuid()));
        let rows = query.all(connection).await?;
        let mut ids: Vec<_> = rows.iter().map(|row| GroupId::from_uuid(row.group_id)).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Groups of several members at once.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn of_members(
        &self,
        granted: &Granted<MemberRead>,
        members: &[MembershipId],
    ) -> Result<HashMap<MembershipId, Vec<Group>>, Error> {
        let connection = self.tx.reading(granted)?;
        let ids = members.iter().map(|id| id.uuid());
        let query = group_member::Entity::scoped(granted)
            .filter(group_member::Column::MembershipId.is_in(ids));
        let places = query.all(connection).await?;
        let ids = places.iter().map(|row| row.group_id);
        let query = group::Entity::scoped(granted).filter(group::Column::Id.is_in(ids));
        let mut groups = HashMap::new();
        for row in query.all(connection).await? {
            groups.insert(row.id, Group::try_from(row)?);
        }
        let mut of: HashMap<MembershipId, Vec<Group>> = HashMap::new();
        for place in places {
            let member = MembershipId::from_uuid(place.membership_id);
            of.entry(member).or_default().extend(groups.get(&place.group_id).cloned());
        }
        Ok(of)
    }

    /// Members of groups, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn members_of(
        &self,
        granted: &Granted<MemberRead>,
        groups: &[GroupId],
    ) -> Result<HashMap<GroupId, Vec<MembershipId>>, Error> {
        let connection = self.tx.reading(granted)?;
        let ids = groups.iter().map(|id| id.uuid());
        let query = group_member::Entity::scoped(granted)
            .filter(group_member::Column::GroupId.is_in(ids))
            .order_by_asc(group_member::Column::MembershipId);
        let mut members: HashMap<GroupId, Vec<MembershipId>> = HashMap::new();
        for row in query.all(connection).await? {
            let group = GroupId::from_uuid(row.group_id);
            members.entry(group).or_default().push(MembershipId::from_uuid(row.membership_id));
        }
        Ok(members)
    }

    /// A page of the ids of a group's members.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list_members(
        &self,
        granted: &Granted<MemberRead>,
        id: GroupId,
        args: &PageArgs,
    ) -> Result<Page<MembershipId>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = group_member::Entity::scoped(granted)
            .filter(group_member::Column::GroupId.eq(id.uuid()));
        let by = group_member::Column::MembershipId;
        let rows = page::read(query, by, Order::Asc, args, connection).await?;
        page::convert(rows, |row| Ok(MembershipId::from_uuid(row.membership_id)))
    }

    /// Makes a group.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `name`.
    pub async fn create(
        &self,
        granted: &Granted<MemberWrite>,
        new: NewGroup,
    ) -> Result<Group, Error> {
        let connection = self.tx.writing(granted)?;
        let row = group::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            name: Set(text::storable(new.name)),
            external_id: Set(new.external_id.map(text::storable)),
            source: Set(new.source.as_str().to_owned()),
            version: Set(1),
            created_at: Set(kept(new.created_at)),
            updated_at: Set(kept(new.created_at)),
        };
        let row = group::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("name"))?;
        row.try_into()
    }

    /// Changes a group, and counts that as a version. Changes of its members go by here too, so that one statement decides who is first.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`] when it is no longer the expected version, [`Error::Conflict`] on `name`.
    pub async fn update(
        &self,
        granted: &Granted<MemberWrite>,
        id: GroupId,
        change: GroupChange,
    ) -> Result<Group, Error> {
        let connection = self.tx.writing(granted)?;
        let mut query = group::Entity::scoped_update(granted)
            .filter(group::Column::Id.eq(id.uuid()))
            .col_expr(group::Column::Name, Expr::value(text::storable(change.name)))
            .col_expr(
                group::Column::ExternalId,
                Expr::value(change.external_id.map(text::storable)),
            )
            .col_expr(group::Column::Source, Expr::value(change.source.as_str()))
            .col_expr(group::Column::Version, Expr::col(group::Column::Version).add(1))
            .col_expr(group::Column::UpdatedAt, Expr::value(kept(change.at)));
        if let Some(expected) = change.expected {
            query = query.filter(group::Column::Version.eq(expected));
        }
        let rows = query.exec_with_returning(connection).await.map_err(Error::of_write("name"))?;
        if let Some(row) = rows.into_iter().next() {
            return row.try_into();
        }
        let there = group::Entity::scoped(granted).filter(group::Column::Id.eq(id.uuid()));
        Err(if there.count(connection).await? == 0 { Error::NotFound } else { Error::Stale })
    }

    /// Removes a group. Its members stay members of the organisation.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove(&self, granted: &Granted<MemberWrite>, id: GroupId) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let removed = group::Entity::scoped_delete(granted)
            .filter(group::Column::Id.eq(id.uuid()))
            .exec(connection)
            .await?;
        if removed.rows_affected == 0 { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Puts members into a group; those who are in it stay.
    ///
    /// # Errors
    /// [`Error::NotFound`] when one of them is not there: then none is added.
    pub async fn add_members(
        &self,
        granted: &Granted<MemberWrite>,
        id: GroupId,
        members: &[MembershipId],
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        for portion in members.chunks(PORTION) {
            let rows = portion.iter().map(|member| group_member::ActiveModel {
                tenant_id: Set(granted.tenant().uuid()),
                group_id: Set(id.uuid()),
                membership_id: Set(member.uuid()),
            });
            let key = [
                group_member::Column::TenantId,
                group_member::Column::GroupId,
                group_member::Column::MembershipId,
            ];
            group_member::Entity::insert_many(rows)
                .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
                .exec_without_returning(connection)
                .await
                .map_err(Error::of_write("member"))?;
        }
        Ok(())
    }

    /// Takes members out of a group; those who are not in it are passed over.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn remove_members(
        &self,
        granted: &Granted<MemberWrite>,
        id: GroupId,
        members: &[MembershipId],
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        for portion in members.chunks(PORTION) {
            let ids = portion.iter().map(|member| member.uuid());
            group_member::Entity::scoped_delete(granted)
                .filter(group_member::Column::GroupId.eq(id.uuid()))
                .filter(group_member::Column::MembershipId.is_in(ids))
                .exec(connection)
                .await?;
        }
        Ok(())
    }
}

// === impl GroupMatch ===

impl GroupMatch {
    fn condition(&self) -> Condition {
        let mut condition = Condition::all();
        if let Some(id) = self.id {
            condition = condition.add(group::Column::Id.eq(id.uuid()));
        }
        if let Some(name) = &self.name {
            // Folded by the database on both sides, as in its index.
            let folded = Func::lower(Expr::col(group::Column::Name));
            let wanted = Func::lower(Expr::value(text::storable(name.clone())));
            condition = condition.add(Expr::expr(folded).eq(wanted));
        }
        if let Some(external) = &self.external_id {
            let external = text::storable(external.clone());
            condition = condition.add(group::Column::ExternalId.eq(external));
        }
        condition
    }
}

impl TryFrom<group::Model> for Group {
    type Error = Error;

    fn try_from(row: group::Model) -> Result<Self, Error> {
        let unreadable = Error::Unreadable { table: "groups", column: "source" };
        Ok(Self {
            id: GroupId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            name: row.name,
            external_id: row.external_id,
            source: GroupSource::parse(&row.source).ok_or(unreadable)?,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}
