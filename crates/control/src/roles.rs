//! An organisation's own roles: sets of permissions, given to members and groups on top of their built-in role.
//!
//! Nobody puts into a role, gives or takes what they do not hold, and no role holds what is an owner's alone.

use domain::{
    CustomRole, CustomRoleId, Granted, OpCtx, Page, PageArgs, PermissionSet, RoleAssignment,
    RoleHolder,
    authz::{
        PermissionName,
        permission::{MemberRead, MemberWrite},
    },
    event::Event,
};
use serde_json::json;
use store::{CustomRoleChange, NewCustomRole, Tx};

use crate::{
    Control, Error,
    audit::{Deed, action},
    tenants::check_name,
};

const DESCRIPTION_MAX: usize = 500;
/// Holders that a refusal names.
const NAMED: u32 = 5;

/// A role to be made.
#[derive(Debug, Clone)]
pub struct CreateRole {
    pub name: String,
    pub description: String,
    pub permissions: Vec<PermissionName>,
}

/// What changes of a role; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct UpdateRole {
    pub name: Option<String>,
    pub description: Option<String>,
    pub permissions: Option<Vec<PermissionName>>,
    /// The version that the change is based on; `None` overwrites whatever is there.
    pub expected_version: Option<i64>,
}

/// What becomes of those who have a role that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleInUse {
    /// The role is not deleted while somebody has it.
    Refuse,
    /// They have their other roles left.
    Unassign,
    /// They get this one in its place.
    Replace(CustomRoleId),
}

// === impl Control ===

impl Control {
    /// The organisation's own roles, oldest first.
    ///
    /// # Errors
    /// [`Error::Denied`] to whoever may not see members.
    pub async fn list_roles(&self, ctx: &OpCtx, page: PageArgs) -> Result<Page<CustomRole>, Error> {
        let granted = self.require(ctx, &Deed::new(action::ROLE_READ)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.custom_roles().list(&granted, &page).await?)
    }

    /// A role by its id.
    ///
    /// # Errors
    /// As [`Control::list_roles`]; [`Error::NotFound`].
    pub async fn lookup_role(&self, ctx: &OpCtx, id: CustomRoleId) -> Result<CustomRole, Error> {
        let granted = self.require(ctx, &Deed::on(action::ROLE_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.custom_roles().lookup(&granted, id).await?)
    }

    /// Who has a role.
    ///
    /// # Errors
    /// As [`Control::lookup_role`].
    pub async fn list_role_assignments(
        &self,
        ctx: &OpCtx,
        id: CustomRoleId,
        page: PageArgs,
    ) -> Result<Page<RoleAssignment>, Error> {
        let granted = self.require(ctx, &Deed::on(action::ROLE_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        tx.custom_roles().lookup(&granted, id).await?;
        Ok(tx.custom_roles().list_assignments(&granted, id, &page).await?)
    }

    /// Every permission that a role can hold, with whether the caller could put it into one.
    ///
    /// # Errors
    /// As [`Control::list_roles`].
    pub async fn list_permissions(
        &self,
        ctx: &OpCtx,
    ) -> Result<Vec<(PermissionName, bool)>, Error> {
        self.require::<MemberRead>(ctx, &Deed::new(action::ROLE_READ)).await?;
        let own = ctx.access().permissions;
        Ok(PermissionSet::custom().iter().map(|name| (name, own.contains(name))).collect())
    }

    /// Makes a role.
    ///
    /// # Errors
    /// [`Error::Denied`] for permissions that the caller does not hold, [`Error::Invalid`] for those that no role can hold and for a name
    /// that cannot be one, [`Error::Conflict`] for a name that is taken.
    pub async fn create_role(&self, ctx: &OpCtx, command: CreateRole) -> Result<CustomRole, Error> {
        let id = CustomRoleId::generate();
        let deed = Deed::on(action::ROLE_CREATE, &id);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        check_name("name", &command.name)?;
        let description = checked_description(&command.description)?;
        let permissions = checked_permissions(&command.permissions)?;
        self.require_holding(ctx, &deed, permissions).await?;
        let tx = self.store().begin(&granted).await?;
        let name = command.name.trim().to_owned();
        let new = NewCustomRole { id, name, description, permissions, created_at: self.now() };
        let role = tx.custom_roles().create(&granted, new).await?;
        self.audit(&tx, ctx, &deed, json!({ "name": role.name, "permissions": role.permissions }))
            .await?;
        tx.commit().await?;
        Ok(role)
    }

    /// Changes a role, for everybody who has it.
    ///
    /// # Errors
    /// As [`Control::create_role`], also for a role that holds more than the caller; [`Error::NotFound`], [`Error::Conflict`] when it is no
    /// longer the expected version.
    pub async fn update_role(
        &self,
        ctx: &OpCtx,
        id: CustomRoleId,
        change: UpdateRole,
    ) -> Result<CustomRole, Error> {
        let deed = Deed::on(action::ROLE_UPDATE, &id);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        if let Some(name) = &change.name {
            check_name("name", name)?;
        }
        let description = change.description.as_deref().map(checked_description).transpose()?;
        let permissions = change.permissions.as_deref().map(checked_permissions).transpose()?;
        let before = self.own_role(ctx, &deed, id).await?;
        let permissions = permissions.unwrap_or(before.permissions);
        self.require_holding(ctx, &deed, permissions).await?;
        let tx = self.store().begin(&granted).await?;
        let change = CustomRoleChange {
            name: change.name.map_or(before.name, |name| name.trim().to_owned()),
            description: description.unwrap_or(before.description),
            permissions,
            // What was checked is what is changed, whoever else is at it.
            expected: Some(change.expected_version.unwrap_or(before.version)),
            at: self.now(),
        };
        let role = tx.custom_roles().update(&granted, id, change).await?;
        let detail = json!({
            "name": role.name,
            "permissions": { "from": before.permissions, "to": role.permissions },
        });
        self.audit(&tx, ctx, &deed, detail).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(role)
    }

    /// Deletes a role, and does with those who have it as is said.
    ///
    /// # Errors
    /// [`Error::Conflict`], with who has it, for a role in use; [`Error::Denied`] for one that holds more than the caller;
    /// [`Error::Invalid`] for a replacement that is not there; [`Error::NotFound`].
    pub async fn delete_role(
        &self,
        ctx: &OpCtx,
        id: CustomRoleId,
        in_use: RoleInUse,
    ) -> Result<(), Error> {
        let deed = Deed::on(action::ROLE_DELETE, &id);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        let role = self.own_role(ctx, &deed, id).await?;
        if let RoleInUse::Replace(other) = in_use {
            if other == id {
                let message = "a role cannot take its own place";
                return Err(Error::invalid("replaceWithId", "same", message));
            }
            self.own_role(ctx, &deed, other).await.map_err(|error| match error {
                Error::NotFound => {
                    Error::invalid("replaceWithId", "not_found", "this role is not there")
                }
                other => other,
            })?;
        }
        let tx = self.store().begin(&granted).await?;
        let reading: Granted<MemberRead> = ctx.require()?;
        let mut freed = 0_u64;
        loop {
            let held = tx.custom_roles().list_assignments(&reading, id, &PageArgs::all()).await?;
            if held.items.is_empty() {
                break;
            }
            if in_use == RoleInUse::Refuse {
                return Err(in_use_by(&tx, &reading, &role).await?);
            }
            for assignment in held.into_items() {
                if let RoleInUse::Replace(other) = in_use {
                    let roles = tx.custom_roles();
                    roles.assign(&granted, other, assignment.holder, self.now()).await?;
                }
                tx.custom_roles().unassign(&granted, id, assignment.holder).await?;
                freed += 1;
            }
        }
        tx.custom_roles().remove(&granted, id).await?;
        let replacement = match in_use {
            RoleInUse::Replace(other) => Some(other),
            RoleInUse::Refuse | RoleInUse::Unassign => None,
        };
        let detail = json!({ "name": role.name, "holders": freed, "replaced_with": replacement });
        self.audit(&tx, ctx, &deed, detail).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(())
    }

    /// Gives a role to a member or a group (`give`), or takes it from them. Who has it already, or has not, is passed over.
    ///
    /// # Errors
    /// [`Error::Denied`] for a role that holds more than the caller, [`Error::NotFound`] for a role that is not there,
    /// [`Error::Invalid`] for a holder who is not there.
    pub async fn change_role_holder(
        &self,
        ctx: &OpCtx,
        id: CustomRoleId,
        holder: RoleHolder,
        give: bool,
    ) -> Result<CustomRole, Error> {
        let deed = Deed::on(if give { action::ROLE_ASSIGN } else { action::ROLE_UNASSIGN }, &id);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        let role = self.own_role(ctx, &deed, id).await?;
        let tx = self.store().begin(&granted).await?;
        let reading: Granted<MemberRead> = ctx.require()?;
        let now = tx.custom_roles().lookup(&reading, id).await?;
        if now.version != role.version {
            // It may hold more than a moment ago, when it was compared with what the caller holds.
            return Err(store::Error::Stale.into());
        }
        check_holder(&tx, &reading, holder).await?;
        if give {
            tx.custom_roles().assign(&granted, id, holder, self.now()).await?;
        } else {
            tx.custom_roles().unassign(&granted, id, holder).await?;
        }
        let (kind, who) = match holder {
            RoleHolder::Member(id) => ("member", id.to_string()),
            RoleHolder::Group(id) => ("group", id.to_string()),
        };
        self.audit(&tx, ctx, &deed, json!({ "name": role.name, kind: who })).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(role)
    }

    /// A role that the caller may change: it holds no more than they do.
    async fn own_role(
        &self,
        ctx: &OpCtx,
        deed: &Deed,
        id: CustomRoleId,
    ) -> Result<CustomRole, Error> {
        let reading: Granted<MemberRead> = self.require(ctx, deed).await?;
        let tx = self.store().read(&reading).await?;
        let role = tx.custom_roles().lookup(&reading, id).await?;
        drop(tx);
        self.require_holding(ctx, deed, role.permissions).await?;
        Ok(role)
    }
}

fn checked_permissions(names: &[PermissionName]) -> Result<PermissionSet, Error> {
    let permissions: PermissionSet = names.iter().copied().collect();
    if permissions.is_empty() {
        return Err(Error::invalid("permissions", "empty", "a role holds at least one permission"));
    }
    if let Some(name) = permissions.without(PermissionSet::custom()).iter().next() {
        let message = format!("no role of your own can hold `{name}`");
        return Err(Error::invalid("permissions", "not_grantable", message));
    }
    Ok(permissions)
}

fn checked_description(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.chars().count() > DESCRIPTION_MAX {
        let message = format!("a description has at most {DESCRIPTION_MAX} characters");
        return Err(Error::invalid("description", "length", message));
    }
    Ok(text.to_owned())
}

async fn check_holder(
    tx: &Tx,
    reading: &Granted<MemberRead>,
    holder: RoleHolder,
) -> Result<(), Error> {
    let found = match holder {
        RoleHolder::Member(id) => tx.members().lookup(reading, id).await.map(drop),
        RoleHolder::Group(id) => tx.groups().lookup(reading, id).await.map(drop),
    };
    found.map_err(|error| match error {
        store::Error::NotFound => {
            Error::invalid("holderId", "not_found", "this holder is not there")
        }
        other => other.into(),
    })
}

/// Says who has a role, by name, as far as a message can.
async fn in_use_by(
    tx: &Tx,
    reading: &Granted<MemberRead>,
    role: &CustomRole,
) -> Result<Error, Error> {
    let page = PageArgs { first: NAMED, after: None };
    let held = tx.custom_roles().list_assignments(reading, role.id, &page).await?;
    let more = if held.has_next { " and others" } else { "" };
    let mut names = Vec::new();
    for assignment in held.into_items() {
        names.push(match assignment.holder {
            RoleHolder::Member(id) => {
                tx.directory_entries().lookup(reading, id).await?.user.display_name
            }
            RoleHolder::Group(id) => {
                format!("the group {}", tx.groups().lookup(reading, id).await?.name)
            }
        });
    }
    let message = format!(
        "{} has this role{more}: take it from them, or say what they get in its place",
        names.join(", ")
    );
    Ok(Error::conflict("id", message))
}
