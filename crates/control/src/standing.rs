//! What a member or a key may do and reach: the one place where an [`Access`] is made.

use std::collections::{HashMap, hash_map::Entry};

use domain::{
    Access, ApiKey, Granted, Membership, PermissionSet, UserId, authz::permission::MemberRead,
};
use store::Tx;

use crate::Error;

/// Works out standings within one transaction; what it found out of a person it does not ask for again.
pub(crate) struct Standings<'t> {
    tx: &'t Tx,
    reading: Granted<MemberRead>,
    members: HashMap<UserId, Option<Access>>,
}

// === impl Standings ===

impl<'t> Standings<'t> {
    pub(crate) fn new(tx: &'t Tx, reading: Granted<MemberRead>) -> Self {
        Self { tx, reading, members: HashMap::new() }
    }

    /// The standing of a person; `None` when they do not belong to the organisation.
    pub(crate) async fn of_user(&mut self, user: UserId) -> Result<Option<Access>, Error> {
        if let Entry::Vacant(entry) = self.members.entry(user) {
            let membership = self.tx.members().find(&self.reading, user).await?;
            // Whom the directory or an admin has switched off may nothing, by whichever door.
            let active = membership.filter(Membership::is_active);
            let access = match &active {
                Some(membership) => Some(of_membership(self.tx, &self.reading, membership).await?),
                None => None,
            };
            entry.insert(access);
        }
        Ok(self.members[&user].clone())
    }

    /// The standing that a membership gives, whether the member may come in at present or not.
    pub(crate) async fn of_membership(&self, membership: &Membership) -> Result<Access, Error> {
        of_membership(self.tx, &self.reading, membership).await
    }

    /// The standing of a key: its own, and never more than the person who made it has today. `None` when that person has left.
    pub(crate) async fn of_key(&mut self, key: &ApiKey) -> Result<Option<Access>, Error> {
        let mut access = Access::of_role(key.role, key.role.usual_clearance());
        access.installs.clone_from(&key.installs);
        let Some(maker) = key.created_by else { return Ok(Some(access)) };
        let Some(maker) = self.of_user(maker).await? else { return Ok(None) };
        access.groups = maker.groups;
        Ok(Some(access.narrowed(maker.permissions, maker.clearance, maker.installs)))
    }
}

async fn of_membership(
    tx: &Tx,
    reading: &Granted<MemberRead>,
    membership: &Membership,
) -> Result<Access, Error> {
    let mut access = Access::of_role(membership.role, membership.clearance);
    access.groups = tx.groups().of_member(reading, membership.id).await?;
    let own =
        tx.custom_roles().permissions_of(reading, Some(membership.id), &access.groups).await?;
    // Whatever a row says: what is an owner's alone comes from the built-in role.
    access.permissions = access.permissions.union(own.intersection(PermissionSet::custom()));
    Ok(access)
}
