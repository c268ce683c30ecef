//! Who belongs to the organisation: their roles, and how they are suspended, removed, or leave.
//!
//! Nobody gives or takes more than they hold themselves, and one active owner stays.

use domain::{
    Classification, Granted, Membership, MembershipId, OpCtx, Page, PageArgs, Role, SystemReason,
    TenantId, User, UserId,
    authz::{
        Permission,
        permission::{MemberRead, MemberWrite, TenantDelete, TenantRead},
    },
    event::Event,
};
use serde_json::json;
use store::{DirectoryMember, Tx};

use crate::{
    Control, Error,
    access::beyond,
    audit::{Deed, action},
    sessions::person,
    standing::Standings,
};

/// What changes of a member; `None` leaves it as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct UpdateMember {
    pub role: Option<Role>,
    pub clearance: Option<Classification>,
}

/// Ownership goes from the caller to somebody else.
#[derive(Debug, Clone, Copy)]
pub struct TransferOwnership {
    pub to: MembershipId,
    /// What the caller is from then on.
    pub own_role: Role,
}

/// What ended with somebody's access.
pub(crate) struct Ended {
    pub(crate) sessions: u64,
    pub(crate) keys: usize,
    /// AI clients that they had let in.
    pub(crate) clients: u64,
}

// === impl Control ===

impl Control {
    /// The organisation's members with the people behind them.
    ///
    /// # Errors
    /// [`Error::Internal`] alone: every role may see this.
    pub async fn list_members(
        &self,
        ctx: &OpCtx,
        page: PageArgs,
    ) -> Result<Page<(Membership, User)>, Error> {
        let granted = self.require(ctx, &Deed::new(action::MEMBER_LIST)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.members().list(&granted, &page).await?)
    }

    /// A member by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup_member(
        &self,
        ctx: &OpCtx,
        id: MembershipId,
    ) -> Result<(Membership, User), Error> {
        let granted = self.require(ctx, &Deed::on(action::MEMBER_LIST, &id)).await?;
        let tx = self.store().read(&granted).await?;
        member(&tx, &granted, id).await
    }

    /// Gives a member another role or clearance.
    ///
    /// # Errors
    /// [`Error::Denied`] for a role or a member that may more than the caller, [`Error::Invalid`] for a clearance above the
    /// caller's, [`Error::Conflict`] for the last owner, [`Error::Reauthenticate`] for making an owner, [`Error::NotFound`].
    pub async fn update_member(
        &self,
        ctx: &OpCtx,
        id: MembershipId,
        change: UpdateMember,
    ) -> Result<(Membership, User), Error> {
        let deed = Deed::on(action::MEMBER_UPDATE, &id);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        if let Some(role) = change.role {
            self.require_holding(ctx, &deed, role.permissions()).await?;
        }
        if change.role == Some(Role::Owner) {
            self.require_recent(ctx).await?;
        }
        check_clearance(ctx, change.clearance)?;
        let (tx, owners, before) = self.held(ctx, &deed, &granted, id).await?;
        let (role, clearance) =
            (change.role.unwrap_or(before.role), change.clearance.unwrap_or(before.clearance));
        if clearance != before.clearance && before.clearance > ctx.access().clearance {
            let message =
                "this member reaches more than you do: somebody who reaches as much changes that";
            return Err(Error::invalid("clearance", "above_own", message));
        }
        if role != Role::Owner {
            keep_an_owner(&owners, &before)?;
        }
        if role != before.role {
            tx.members().update(&granted, id, role).await?;
        }
        if clearance != before.clearance {
            tx.members().set_clearance(&granted, id, clearance).await?;
        }
        let detail = json!({
            "role": { "from": before.role, "to": role },
            "clearance": { "from": before.clearance, "to": clearance },
        });
        self.audit(&tx, ctx, &deed, detail).await?;
        let changed = member(&tx, &ctx.require()?, id).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(changed)
    }

    /// Shuts a member out until they are reactivated: sessions and API keys end for good, role and groups stay.
    ///
    /// # Errors
    /// As [`Control::update_member`]; [`Error::Conflict`] for oneself.
    pub async fn suspend_member(
        &self,
        ctx: &OpCtx,
        id: MembershipId,
    ) -> Result<(Membership, User), Error> {
        let deed = Deed::on(action::MEMBER_SUSPEND, &id);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        let (tx, owners, before) = self.held(ctx, &deed, &granted, id).await?;
        if person(ctx).is_ok_and(|user| user == before.user) {
            let message =
                "you cannot suspend yourself: somebody else does, or leave the organisation";
            return Err(Error::conflict("id", message));
        }
        keep_an_owner(&owners, &before)?;
        let since = before.suspended_at.unwrap_or_else(|| self.now());
        tx.members().set_suspended(&granted, id, Some(since)).await?;
        let ended = self.end_ways_in(&tx, &granted, before.user).await?;
        let detail = json!({ "sessions": ended.sessions, "api_keys": ended.keys });
        self.audit(&tx, ctx, &deed, detail).await?;
        let changed = member(&tx, &ctx.require()?, id).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(changed)
    }

    /// Lets a suspended member in again. Their API keys are made anew.
    ///
    /// # Errors
    /// [`Error::Denied`] for a member who may more than the caller, [`Error::Conflict`] for one whom the organisation's directory
    /// has switched off, [`Error::NotFound`].
    pub async fn reactivate_member(
        &self,
        ctx: &OpCtx,
        id: MembershipId,
    ) -> Result<(Membership, User), Error> {
        let deed = Deed::on(action::MEMBER_REACTIVATE, &id);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        let (tx, _, before) = self.held(ctx, &deed, &granted, id).await?;
        if before.deactivated_at.is_some() {
            let message =
                "your organisation's directory has switched this member off: activate them there";
            return Err(Error::conflict("id", message));
        }
        tx.members().set_suspended(&granted, id, None).await?;
        self.audit(&tx, ctx, &deed, json!({})).await?;
        let changed = member(&tx, &ctx.require()?, id).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(changed)
    }

    /// Removes a member, with everything by which they came in. The person and what they did stay.
    ///
    /// # Errors
    /// As [`Control::update_member`].
    pub async fn remove_member(&self, ctx: &OpCtx, id: MembershipId) -> Result<(), Error> {
        let deed = Deed::on(action::MEMBER_REMOVE, &id);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        let (tx, owners, before) = self.held(ctx, &deed, &granted, id).await?;
        keep_an_owner(&owners, &before)?;
        self.take_out(&tx, ctx, &deed, &granted, &before).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(())
    }

    /// Takes the caller out of the organisation.
    ///
    /// # Errors
    /// [`Error::Conflict`] for the last owner, [`Error::NotFound`] behind an API key and for another organisation than the session's.
    pub async fn leave_organisation(&self, ctx: &OpCtx, tenant: TenantId) -> Result<(), Error> {
        let deed = Deed::new(action::MEMBER_LEAVE);
        self.require::<TenantRead>(ctx, &deed).await?;
        let user = person(ctx)?;
        if tenant != ctx.tenant() {
            return Err(Error::NotFound);
        }
        let granted: Granted<MemberWrite> = own_membership(ctx.tenant(), ctx.request_id());
        let tx = self.store().begin(&granted).await?;
        let owners = tx.directory_entries().hold_owners(&granted).await?;
        let reading = own_membership(ctx.tenant(), ctx.request_id());
        let own = tx.members().find(&reading, user).await?.ok_or(Error::NotFound)?;
        keep_an_owner(&owners, &own)?;
        let deed = Deed::on(action::MEMBER_LEAVE, &own.id);
        self.take_out(&tx, ctx, &deed, &granted, &own).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(())
    }

    /// Makes another member an owner in the caller's place.
    ///
    /// # Errors
    /// [`Error::Denied`] to whoever is no owner, [`Error::Reauthenticate`], [`Error::NotFound`] behind an API key and for a member
    /// who is not there, [`Error::Conflict`] for one who cannot sign in, [`Error::Invalid`] for a role that is ownership again.
    pub async fn transfer_ownership(
        &self,
        ctx: &OpCtx,
        command: TransferOwnership,
    ) -> Result<(Membership, User), Error> {
        let TransferOwnership { to, own_role } = command;
        let deed = Deed::on(action::MEMBER_TRANSFER_OWNERSHIP, &to);
        self.require_whole::<TenantDelete>(ctx, &deed).await?;
        let user = person(ctx)?;
        self.require_recent(ctx).await?;
        if own_role == Role::Owner {
            let message =
                "say what you are afterwards: to add an owner, change the other member's role";
            return Err(Error::invalid("ownRole", "role", message));
        }
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        let reading: Granted<MemberRead> = ctx.require()?;
        let tx = self.store().begin(&granted).await?;
        tx.directory_entries().hold_owners(&granted).await?;
        // Read once the owners are held: the caller may have ceased to be one a moment ago.
        let own = tx.members().find(&reading, user).await?.ok_or(Error::NotFound)?;
        let heir = tx.members().lookup(&reading, to).await?;
        if own.role != Role::Owner || !own.is_active() {
            drop(tx);
            return self.refuse(ctx, &deed, ctx.denied::<TenantDelete>()).await;
        }
        if heir.id == own.id || !heir.is_active() {
            let message = "ownership goes to another member who can sign in";
            return Err(Error::conflict("toId", message));
        }
        tx.members().update(&granted, to, Role::Owner).await?;
        tx.members().set_clearance(&granted, to, heir.clearance.max(own.clearance)).await?;
        tx.members().update(&granted, own.id, own_role).await?;
        let detail = json!({ "by": own.id, "own_role": own_role, "role": heir.role });
        self.audit(&tx, ctx, &deed, detail).await?;
        let changed = member(&tx, &reading, to).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(changed)
    }

    /// Begins a transaction that holds the organisation's owners, and reads a member whom the caller may change. In this order: what is
    /// read afterwards no longer changes under the check for the last owner.
    async fn held(
        &self,
        ctx: &OpCtx,
        deed: &Deed,
        granted: &Granted<MemberWrite>,
        id: MembershipId,
    ) -> Result<(Tx, Vec<MembershipId>, Membership), Error> {
        let tx = self.store().begin(granted).await?;
        let owners = tx.directory_entries().hold_owners(granted).await?;
        let reading: Granted<MemberRead> = ctx.require()?;
        let member = tx.members().lookup(&reading, id).await?;
        let standing = Standings::new(&tx, reading).of_membership(&member).await?;
        if let Some(denied) = beyond(ctx, standing.permissions) {
            drop(tx);
            return self.refuse(ctx, deed, denied).await;
        }
        Ok((tx, owners, member))
    }

    async fn take_out(
        &self,
        tx: &Tx,
        ctx: &OpCtx,
        deed: &Deed,
        granted: &Granted<MemberWrite>,
        member: &Membership,
    ) -> Result<(), Error> {
        let ended = self.end_ways_in(tx, granted, member.user).await?;
        tx.members().remove(granted, member.id).await?;
        let detail = json!({
            "user": member.user,
            "role": member.role,
            "sessions": ended.sessions,
            "api_keys": ended.keys,
        });
        self.audit(tx, ctx, deed, detail).await
    }

    /// Ends the sessions, API keys and AI clients of a person in this organisation. Sockets look again every few seconds, gateways by the signal
    /// that follows the commit.
    pub(crate) async fn end_ways_in(
        &self,
        tx: &Tx,
        granted: &Granted<MemberWrite>,
        user: UserId,
    ) -> Result<Ended, store::Error> {
        let now = self.now();
        let keys = tx.directory_entries().revoke_keys_of(granted, user, now).await?;
        let clients = tx.client_grants().revoke_of(granted, user, now).await?;
        let tenant = Some(granted.tenant());
        let sessions = tx.directory().revoke_sessions_of(user, tenant, now).await?;
        Ok(Ended { sessions, keys, clients })
    }
}

/// A person's own coming and going, which no role has to allow.
pub(crate) fn own_membership<P: Permission>(tenant: TenantId, request_id: &str) -> Granted<P> {
    Granted::system(SystemReason::OwnMembership, tenant, request_id)
}

/// Whether an organisation would have no active owner without this member. `owners` are those who are held.
pub(crate) fn is_last_owner(owners: &[MembershipId], member: &Membership) -> bool {
    member.role == Role::Owner && member.is_active() && owners.iter().all(|id| *id == member.id)
}

fn keep_an_owner(owners: &[MembershipId], member: &Membership) -> Result<(), Error> {
    if is_last_owner(owners, member) {
        let message =
            "this is the organisation's last active owner: make somebody else an owner first";
        return Err(Error::conflict("id", message));
    }
    Ok(())
}

/// Nobody gives a clearance above their own.
pub(crate) fn check_clearance(ctx: &OpCtx, clearance: Option<Classification>) -> Result<(), Error> {
    let own = ctx.access().clearance;
    if clearance.is_some_and(|wanted| wanted > own) {
        let message = format!("you cannot give a clearance above your own ({})", own.as_str());
        return Err(Error::invalid("clearance", "above_own", message));
    }
    Ok(())
}

async fn member(
    tx: &Tx,
    reading: &Granted<MemberRead>,
    id: MembershipId,
) -> Result<(Membership, User), Error> {
    let DirectoryMember { membership, user, .. } =
        tx.directory_entries().lookup(reading, id).await?;
    Ok((membership, user))
}
