//! Invitations: a link for the person with an e-mail address, who accepts it by showing that the address is theirs.
//!
//! Who holds the link has shown nothing yet: it is bound to the address. No mail is sent from here; whoever invites hands the link over.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Access, ApiKeyId, Classification, Granted, GroupId, GroupSource, Invitation, InvitationId,
    MembershipId, OpCtx, Page, PageArgs, Principal, Role, SecretString, Tenant, TenantId,
    TokenHash, UserId,
    authz::permission::{ApiKeyRead, AuditWrite, MemberRead, MemberWrite, TenantRead},
    event::Event,
    secret::ExposeSecret,
};
use serde_json::json;
use store::{NewAudit, NewInvitation, NewMember, Tx};

use crate::{
    Control, Error,
    audit::{Deed, action},
    login::{hash_of, random_token},
    members::{check_clearance, own_membership},
    sessions::person,
    standing::Standings,
};

const PREFIX: &str = "pbinvite_";
const USUAL_DAYS: u32 = 7;
const MAX_DAYS: u32 = 30;
const MAX_GROUPS: usize = 100;

/// Somebody is to be invited.
#[derive(Debug, Clone)]
pub struct InviteMember {
    pub email: String,
    /// At most what the caller holds.
    pub role: Role,
    /// `None` for the role's usual one, as far as the caller has it.
    pub clearance: Option<Classification>,
    /// Groups that they join, none of which a directory keeps.
    pub groups: Vec<GroupId>,
    /// `None` for a week; at most 30.
    pub expires_in_days: Option<u32>,
}

/// An invitation with its token, which can be read this once.
#[derive(Debug)]
pub struct SentInvitation {
    pub invitation: Invitation,
    /// Last part of the link.
    pub token: SecretString,
}

/// Where an invitation leads: the organisation, and the hash of its token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addressed {
    pub(crate) tenant: TenantId,
    pub(crate) hash: TokenHash,
}

// === impl Control ===

impl Control {
    /// Invitations, newest first, whatever became of them.
    ///
    /// # Errors
    /// [`Error::Denied`] to whoever may not change members.
    pub async fn list_invitations(
        &self,
        ctx: &OpCtx,
        page: PageArgs,
    ) -> Result<Page<Invitation>, Error> {
        self.require::<MemberWrite>(ctx, &Deed::new(action::INVITATION_READ)).await?;
        let granted = self.require(ctx, &Deed::new(action::INVITATION_READ)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.invitations().list(&granted, &page).await?)
    }

    /// An invitation by its id.
    ///
    /// # Errors
    /// As [`Control::list_invitations`]; [`Error::NotFound`].
    pub async fn lookup_invitation(
        &self,
        ctx: &OpCtx,
        id: InvitationId,
    ) -> Result<Invitation, Error> {
        let deed = Deed::on(action::INVITATION_READ, &id);
        self.require::<MemberWrite>(ctx, &deed).await?;
        let granted = self.require(ctx, &deed).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.invitations().lookup(&granted, id).await?)
    }

    /// Invites the person with an address. Whether they are known elsewhere makes no difference and is not told.
    ///
    /// # Errors
    /// [`Error::Denied`] for a role that may more than the caller, [`Error::Invalid`] for what cannot be one, [`Error::Conflict`] for an
    /// address that was invited or belongs to a member, [`Error::Reauthenticate`] for an owner.
    pub async fn invite_member(
        &self,
        ctx: &OpCtx,
        command: InviteMember,
    ) -> Result<SentInvitation, Error> {
        let deed = Deed::new(action::INVITATION_CREATE);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        self.require_holding(ctx, &deed, command.role.permissions()).await?;
        if command.role == Role::Owner {
            self.require_recent(ctx).await?;
        }
        self.require_group(ctx, &deed, &command.groups).await?;
        check_clearance(ctx, command.clearance)?;
        let email = checked_address(&command.email)?;
        let expires_at = self.invitation_expiry(command.expires_in_days)?;
        let (token, hash) = new_token(ctx.tenant())?;
        let usual = command.role.usual_clearance().min(ctx.access().clearance);
        let tx = self.store().begin(&granted).await?;
        let reading: Granted<MemberRead> = ctx.require()?;
        check_groups(&tx, &reading, &command.groups).await?;
        self.refuse_known(&tx, &granted, &reading, &email).await?;
        let new = NewInvitation {
            id: InvitationId::generate(),
            email,
            role: command.role,
            clearance: command.clearance.unwrap_or(usual),
            groups: command.groups,
            hash,
            invited_by: ctx.principal().to_string(),
            created_at: self.now(),
            expires_at,
        };
        let invitation = tx.invitations().create(&granted, new).await?;
        let detail = json!({
            "email": invitation.email,
            "role": invitation.role,
            "clearance": invitation.clearance,
            "groups": invitation.groups,
        });
        let deed = Deed::on(action::INVITATION_CREATE, &invitation.id);
        self.audit(&tx, ctx, &deed, detail).await?;
        tx.commit().await?;
        Ok(SentInvitation { invitation, token })
    }

    /// Makes a new link for an invitation that waits or has expired. The earlier one no longer works.
    ///
    /// # Errors
    /// As [`Control::invite_member`]; [`Error::NotFound`] for one that was accepted or revoked.
    pub async fn resend_invitation(
        &self,
        ctx: &OpCtx,
        id: InvitationId,
    ) -> Result<SentInvitation, Error> {
        let deed = Deed::on(action::INVITATION_RESEND, &id);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        let before = self.lookup_invitation(ctx, id).await?;
        self.require_holding(ctx, &deed, before.role.permissions()).await?;
        self.require_group(ctx, &deed, &before.groups).await?;
        let (token, hash) = new_token(ctx.tenant())?;
        let expires_at = self.invitation_expiry(None)?;
        let tx = self.store().begin(&granted).await?;
        let invitation = tx.invitations().renew(&granted, id, hash, expires_at).await?;
        self.audit(&tx, ctx, &deed, json!({ "email": invitation.email })).await?;
        tx.commit().await?;
        Ok(SentInvitation { invitation, token })
    }

    /// Takes an invitation back: its link no longer works.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that was accepted or revoked.
    pub async fn revoke_invitation(
        &self,
        ctx: &OpCtx,
        id: InvitationId,
    ) -> Result<Invitation, Error> {
        let deed = Deed::on(action::INVITATION_REVOKE, &id);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        let tx = self.store().begin(&granted).await?;
        let invitation = tx.invitations().revoke(&granted, id, self.now()).await?;
        self.audit(&tx, ctx, &deed, json!({ "email": invitation.email })).await?;
        tx.commit().await?;
        Ok(invitation)
    }

    /// Takes the invitation of a link as the person who is signed in, in whichever organisation. Their address must be the one that was
    /// invited.
    ///
    /// # Errors
    /// [`Error::Invalid`], always the same one, for a token that is unknown, used, revoked, expired or for another address;
    /// [`Error::Conflict`] for somebody who belongs to the organisation already; [`Error::NotFound`] behind an API key.
    pub async fn accept_invitation(&self, ctx: &OpCtx, token: &str) -> Result<Tenant, Error> {
        let deed = Deed::new(action::INVITATION_ACCEPT);
        self.require::<TenantRead>(ctx, &deed).await?;
        let user = person(ctx)?;
        let addressed = addressed(token).ok_or_else(not_valid)?;
        let directory = self.store().directory();
        let email = directory.lookup_user(user).await?.email;
        let request_id = ctx.request_id();
        let members = own_membership::<MemberWrite>(addressed.tenant, request_id);
        let tx = self.store().begin(&members).await?;
        self.join(&tx, addressed, user, &email, request_id).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: addressed.tenant }).await;
        Ok(directory.lookup_tenant(addressed.tenant).await?)
    }

    /// The open invitation of a token, with the organisation, for whoever holds the link.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none.
    pub async fn find_invitation(&self, token: &str) -> Result<(Invitation, Tenant), Error> {
        let addressed = addressed(token).ok_or_else(not_valid)?;
        let invitation = self.open_invitation(addressed, "sign-in").await?;
        let tenant = self.store().directory().lookup_tenant(addressed.tenant).await?;
        Ok((invitation, tenant))
    }

    pub(crate) async fn open_invitation(
        &self,
        addressed: Addressed,
        request_id: &str,
    ) -> Result<Invitation, Error> {
        let reading = own_membership::<MemberRead>(addressed.tenant, request_id);
        let tx = self.store().read(&reading).await?;
        let found = tx.invitations().find(&reading, addressed.hash, self.now()).await?;
        found.ok_or_else(not_valid)
    }

    /// Uses an invitation up and makes the member. `email` is the address that the person has shown to be theirs.
    pub(crate) async fn join(
        &self,
        tx: &Tx,
        addressed: Addressed,
        user: UserId,
        email: &str,
        request_id: &str,
    ) -> Result<MembershipId, Error> {
        let Addressed { tenant, hash } = addressed;
        let writing = own_membership::<MemberWrite>(tenant, request_id);
        let reading = own_membership::<MemberRead>(tenant, request_id);
        let now = self.now();
        let redeemed = tx.invitations().redeem(&writing, hash, now).await?;
        let invitation = redeemed.filter(|it| it.email == email).ok_or_else(not_valid)?;
        if !still_given(tx, &invitation, now, request_id).await? {
            return Err(not_valid());
        }
        if tx.members().find(&reading, user).await?.is_some() {
            let message = "you belong to this organisation already";
            return Err(Error::conflict("token", message));
        }
        let new = NewMember {
            id: MembershipId::generate(),
            user,
            role: invitation.role,
            clearance: invitation.clearance,
            created_at: now,
        };
        let member = tx.members().create(&writing, new).await?;
        for id in &invitation.groups {
            // Gone since, or taken over by a directory: then it is no longer ours to give.
            let Ok(group) = tx.groups().lookup(&reading, *id).await else { continue };
            if group.source == GroupSource::Local {
                tx.groups().update(&writing, *id, self.touched(&group)).await?;
                tx.groups().add_members(&writing, *id, &[member.id]).await?;
            }
        }
        let deed = Deed::on(action::INVITATION_ACCEPT, &invitation.id);
        let entry = self.audit_by(&Principal::User(user), request_id, &deed).succeeded();
        let detail = json!({ "member": member.id, "role": member.role });
        let auditing = own_membership::<AuditWrite>(tenant, request_id);
        tx.audit().append(&auditing, NewAudit { detail, ..entry }).await?;
        Ok(member.id)
    }

    /// An address that is a member's, or has an invitation that waits. An expired one makes room.
    async fn refuse_known(
        &self,
        tx: &Tx,
        granted: &Granted<MemberWrite>,
        reading: &Granted<MemberRead>,
        email: &str,
    ) -> Result<(), Error> {
        if let Some(user) = tx.directory().find_user_by_email(email).await?
            && tx.members().find(reading, user.id).await?.is_some()
        {
            let message = "the person with this address is a member already";
            return Err(Error::conflict("email", message));
        }
        let Some(open) = tx.invitations().find_open(reading, email).await? else { return Ok(()) };
        if open.expires_at > self.now() {
            let message =
                "this address is invited already: send the invitation again, or revoke it first";
            return Err(Error::conflict("email", message));
        }
        tx.invitations().revoke(granted, open.id, self.now()).await?;
        Ok(())
    }

    fn invitation_expiry(&self, days: Option<u32>) -> Result<DateTime<Utc>, Error> {
        let days = days.unwrap_or(USUAL_DAYS);
        if !(1..=MAX_DAYS).contains(&days) {
            let message = format!("an invitation expires after 1 to {MAX_DAYS} days");
            return Err(Error::invalid("expiresInDays", "out_of_range", message));
        }
        Ok(self.now() + TimeDelta::days(days.into()))
    }
}

/// What a token says of itself. The organisation stands in it, so that it is looked for behind its row-level security.
pub(crate) fn addressed(token: &str) -> Option<Addressed> {
    let (tenant, _) = token.strip_prefix(PREFIX)?.split_once('_')?;
    let tenant = format!("tenant:{tenant}").parse().ok()?;
    Some(Addressed { tenant, hash: TokenHash::of(token) })
}

/// The same for everything that keeps an invitation from being accepted, so that trying tells nothing.
pub(crate) fn not_valid() -> Error {
    let message = "this invitation is not valid for you: it was used or taken back, is too old, or is for another e-mail address";
    Error::invalid("token", "invitation", message)
}

fn new_token(tenant: TenantId) -> Result<(SecretString, TokenHash), Error> {
    let random = random_token()?;
    let tenant = tenant.uuid().simple();
    let token: SecretString = format!("{PREFIX}{tenant}_{}", random.expose_secret()).into();
    let hash = hash_of(&token);
    Ok((token, hash))
}

/// Whether whoever invited could still invite so today: a demoted admin's old invitations make no admins.
async fn still_given(
    tx: &Tx,
    invitation: &Invitation,
    now: DateTime<Utc>,
    request_id: &str,
) -> Result<bool, Error> {
    let tenant = invitation.tenant;
    let reading = own_membership::<MemberRead>(tenant, request_id);
    let by_groups = tx.custom_roles().permissions_of(&reading, None, &invitation.groups).await?;
    let given = invitation.role.permissions().union(by_groups);
    let mut standings = Standings::new(tx, own_membership(tenant, request_id));
    let inviter: Option<Access> = if let Ok(user) = invitation.invited_by.parse::<UserId>() {
        standings.of_user(user).await?
    } else if let Ok(id) = invitation.invited_by.parse::<ApiKeyId>() {
        let keys = own_membership::<ApiKeyRead>(tenant, request_id);
        let key = tx.api_keys().lookup(&keys, id).await?;
        let live = key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now);
        if live { standings.of_key(&key).await? } else { None }
    } else {
        None
    };
    Ok(inviter.is_some_and(|access| {
        access.permissions.contains(domain::authz::PermissionName::MemberWrite)
            && given.is_within(access.permissions)
            && invitation.clearance <= access.clearance
    }))
}

async fn check_groups(
    tx: &Tx,
    reading: &Granted<MemberRead>,
    groups: &[GroupId],
) -> Result<(), Error> {
    if groups.len() > MAX_GROUPS {
        let message = format!("name at most {MAX_GROUPS} groups");
        return Err(Error::invalid("groupIds", "out_of_range", message));
    }
    for id in groups {
        match tx.groups().lookup(reading, *id).await {
            Ok(group) if group.source == GroupSource::Local => {}
            Ok(_) => {
                let message =
                    "your organisation's directory keeps one of these groups: change it there";
                return Err(Error::conflict("groupIds", message));
            }
            Err(store::Error::NotFound) => {
                let message = "one of these groups is not there";
                return Err(Error::invalid("groupIds", "not_found", message));
            }
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}

/// Lower case, with something on both sides of its last `@`.
fn checked_address(email: &str) -> Result<String, Error> {
    let email = email.trim().to_lowercase();
    let fits = email.len() <= 254
        && !email.chars().any(|it| it.is_whitespace() || it.is_control())
        && email
            .rsplit_once('@')
            .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
    if fits {
        Ok(email)
    } else {
        Err(Error::invalid("email", "email", "this is not an e-mail address"))
    }
}
