//! Members as their organisation's directory describes them, and what ends when it lets them go.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{
    DirectoryEntry, Granted, Membership, MembershipId, Role, User, UserId,
    authz::permission::{MemberRead, MemberWrite},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Func, Query, SelectStatement, SimpleExpr},
};
use serde_json::Value;

use crate::{
    Error, Tx,
    entity::{api_key, api_key_hash, directory_entry, membership, user},
    scoped::{Global, TenantOwned},
    text,
    time::kept,
};

/// Members of the transaction's tenant, by their directory.
pub struct DirectoryEntries<'t> {
    tx: &'t Tx,
}

/// A member with the person behind it and what the directory says of them.
#[derive(Debug, Clone)]
pub struct DirectoryMember {
    pub membership: Membership,
    pub user: User,
    /// `None` for a member whom the directory has never written.
    pub entry: Option<DirectoryEntry>,
}

/// What the directory says from now on.
#[derive(Debug, Clone)]
pub struct NewDirectoryEntry {
    pub membership: MembershipId,
    pub user_name: String,
    pub external_id: Option<String>,
    pub display_name: String,
    pub document: Value,
    /// The version that this is based on; 0 for none.
    pub expected: i64,
    pub at: DateTime<Utc>,
}

/// Which members are meant, as far as the database can tell: an empty one means all.
#[derive(Debug, Clone, Default)]
pub struct MemberMatch {
    pub id: Option<MembershipId>,
    pub user_name: Option<String>,
    pub display_name: Option<String>,
    pub external_id: Option<String>,
}

// === impl DirectoryEntries ===

impl<'t> DirectoryEntries<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<MemberRead>,
        id: MembershipId,
    ) -> Result<DirectoryMember, Error> {
        self.lookup_many(granted, &[id]).await?.pop().ok_or(Error::NotFound)
    }

    /// Members by their ids, in the order of their ids; the unknown are left out.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn lookup_many(
        &self,
        granted: &Granted<MemberRead>,
        ids: &[MembershipId],
    ) -> Result<Vec<DirectoryMember>, Error> {
        let connection = self.tx.reading(granted)?;
        let ids = ids.iter().map(|id| id.uuid());
        let query = membership::Entity::scoped(granted)
            .filter(membership::Column::Id.is_in(ids))
            .order_by_asc(membership::Column::Id);
        self.complete(granted, query.all(connection).await?).await
    }

    /// Members that match, oldest first: those after `skip` of them, at most `limit`, and how many there are in all.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_matching(
        &self,
        granted: &Granted<MemberRead>,
        wanted: &MemberMatch,
        (skip, limit): (u64, u64),
    ) -> Result<(Vec<DirectoryMember>, u64), Error> {
        let connection = self.tx.reading(granted)?;
        let query = membership::Entity::scoped(granted).filter(wanted.condition(granted));
        let total = query.clone().count(connection).await?;
        let query = query.order_by_asc(membership::Column::Id).offset(skip).limit(limit);
        let members = self.complete(granted, query.all(connection).await?).await?;
        Ok((members, total))
    }

    async fn complete(
        &self,
        granted: &Granted<MemberRead>,
        rows: Vec<membership::Model>,
    ) -> Result<Vec<DirectoryMember>, Error> {
        let connection = self.tx.reading(granted)?;
        let ids: Vec<UserId> = rows.iter().map(|row| UserId::from_uuid(row.user_id)).collect();
        let users = self.tx.directory().lookup_users(&ids).await?;
        let users: HashMap<UserId, User> = users.into_iter().map(|user| (user.id, user)).collect();
        let ids = rows.iter().map(|row| row.id);
        let query = directory_entry::Entity::scoped(granted)
            .filter(directory_entry::Column::MembershipId.is_in(ids));
        let entries = query.all(connection).await?.into_iter().map(DirectoryEntry::from);
        let mut entries: HashMap<_, _> = entries.map(|entry| (entry.membership, entry)).collect();
        rows.into_iter()
            .map(|row| {
                let membership = Membership::try_from(row)?;
                let user = users.get(&membership.user).cloned().ok_or(Error::NotFound)?;
                let entry = entries.remove(&membership.id);
                Ok(DirectoryMember { membership, user, entry })
            })
            .collect()
    }

    /// Keeps what the directory says of a member.
    ///
    /// # Errors
    /// [`Error::Stale`] when it is no longer the expected version, [`Error::Conflict`] on `userName`.
    pub async fn save(
        &self,
        granted: &Granted<MemberWrite>,
        new: NewDirectoryEntry,
    ) -> Result<DirectoryEntry, Error> {
        let connection = self.tx.writing(granted)?;
        let row = directory_entry::ActiveModel {
            tenant_id: Set(granted.tenant().uuid()),
            membership_id: Set(new.membership.uuid()),
            user_name: Set(text::storable(new.user_name)),
            external_id: Set(new.external_id.map(text::storable)),
            display_name: Set(text::storable(new.display_name)),
            document: Set(text::storable_json(new.document)),
            version: Set(new.expected + 1),
            updated_at: Set(kept(new.at)),
        };
        if new.expected == 0 {
            let insert = directory_entry::Entity::insert(row);
            let row = insert
                .exec_with_returning(connection)
                .await
                .map_err(Error::of_write("userName"))?;
            return Ok(row.into());
        }
        let rows = directory_entry::Entity::scoped_update(granted)
            .set(row)
            .filter(directory_entry::Column::MembershipId.eq(new.membership.uuid()))
            .filter(directory_entry::Column::Version.eq(new.expected))
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("userName"))?;
        rows.into_iter().next().map(DirectoryEntry::from).ok_or(Error::Stale)
    }

    /// Switches a member off (`Some`: since then) or on.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn set_deactivated(
        &self,
        granted: &Granted<MemberWrite>,
        id: MembershipId,
        since: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let changed = membership::Entity::scoped_update(granted)
            .filter(membership::Column::Id.eq(id.uuid()))
            .col_expr(membership::Column::DeactivatedAt, Expr::value(since.map(kept)))
            .exec(connection)
            .await?;
        if changed.rows_affected == 0 { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Owners who are neither switched off nor suspended. Their rows are held until the transaction ends, so that of two who go at once one sees the other.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn hold_owners(
        &self,
        granted: &Granted<MemberWrite>,
    ) -> Result<Vec<MembershipId>, Error> {
        let connection = self.tx.writing(granted)?;
        let query = membership::Entity::scoped(granted)
            .filter(membership::Column::Role.eq(Role::Owner.as_str()))
            .filter(membership::Column::DeactivatedAt.is_null())
            .filter(membership::Column::SuspendedAt.is_null())
            .order_by_asc(membership::Column::Id)
            .lock_exclusive();
        let rows = query.all(connection).await?;
        Ok(rows.iter().map(|row| MembershipId::from_uuid(row.id)).collect())
    }

    /// Ends every key that a person has made. Gives how many there were.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn revoke_keys_of(
        &self,
        granted: &Granted<MemberWrite>,
        user: UserId,
        at: DateTime<Utc>,
    ) -> Result<usize, Error> {
        let connection = self.tx.writing(granted)?;
        let rows = api_key::Entity::scoped_update(granted)
            .filter(api_key::Column::CreatedBy.eq(user.uuid()))
            .filter(api_key::Column::RevokedAt.is_null())
            .col_expr(api_key::Column::RevokedAt, Expr::value(kept(at)))
            .exec_with_returning(connection)
            .await?;
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        api_key_hash::Entity::scoped_delete(granted)
            .filter(api_key_hash::Column::ApiKeyId.is_in(ids.iter().copied()))
            .exec(connection)
            .await?;
        Ok(ids.len())
    }

    /// Gives a person another name or address.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `email`, [`Error::NotFound`].
    pub async fn rename_person(
        &self,
        granted: &Granted<MemberWrite>,
        user: UserId,
        email: &str,
        display_name: &str,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        let changed = user::Entity::all_update()
            .filter(user::Column::Id.eq(user.uuid()))
            .col_expr(user::Column::Email, Expr::value(text::storable(email.to_lowercase())))
            .col_expr(
                user::Column::DisplayName,
                Expr::value(text::storable(display_name.to_owned())),
            )
            .exec(connection)
            .await
            .map_err(Error::of_write("email"))?;
        if changed.rows_affected == 0 { Err(Error::NotFound) } else { Ok(()) }
    }
}

// === impl MemberMatch ===

impl MemberMatch {
    fn condition(&self, granted: &Granted<MemberRead>) -> Condition {
        let entries = |matching: SimpleExpr| -> SelectStatement {
            Query::select()
                .column(directory_entry::Column::MembershipId)
                .from(directory_entry::Entity)
                .and_where(directory_entry::Column::TenantId.eq(granted.tenant().uuid()))
                .and_where(matching)
                .to_owned()
        };
        let people = |matching: SimpleExpr| -> SelectStatement {
            let query = Query::select().column(user::Column::Id).from(user::Entity).to_owned();
            query.clone().and_where(matching).to_owned()
        };
        let unwritten = || membership::Column::Id.not_in_subquery(entries(Expr::value(true)));
        let mut all = Condition::all();
        if let Some(id) = self.id {
            all = all.add(membership::Column::Id.eq(id.uuid()));
        }
        if let Some(name) = &self.user_name {
            let written = entries(same(directory_entry::Column::UserName, name));
            let address = people(user::Column::Email.eq(text::storable(name.to_lowercase())));
            let by_address = membership::Column::UserId.in_subquery(address).and(unwritten());
            all = all.add(membership::Column::Id.in_subquery(written).or(by_address));
        }
        if let Some(name) = &self.display_name {
            let written = entries(same(directory_entry::Column::DisplayName, name));
            let named = people(same(user::Column::DisplayName, name));
            let by_person = membership::Column::UserId.in_subquery(named).and(unwritten());
            all = all.add(membership::Column::Id.in_subquery(written).or(by_person));
        }
        if let Some(external) = &self.external_id {
            let external = text::storable(external.clone());
            let written = entries(directory_entry::Column::ExternalId.eq(external));
            all = all.add(membership::Column::Id.in_subquery(written));
        }
        all
    }
}

/// Upper and lower case are the same: folded by the database on both sides, as in its indexes.
fn same(column: impl ColumnTrait, text: &str) -> SimpleExpr {
    let wanted = Func::lower(Expr::value(text::storable(text.to_owned())));
    Expr::expr(Func::lower(Expr::col(column))).eq(wanted)
}

impl From<directory_entry::Model> for DirectoryEntry {
    fn from(row: directory_entry::Model) -> Self {
        Self {
            membership: MembershipId::from_uuid(row.membership_id),
            user_name: row.user_name,
            external_id: row.external_id,
            document: row.document,
            version: row.version,
            updated_at: row.updated_at,
        }
    }
}
