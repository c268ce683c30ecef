//! The organisation itself: who looks at it, and how it begins.

use domain::{
    EndpointId, Granted, MembershipId, OpCtx, Principal, Role, SystemReason, Tenant, TenantId,
    User, UserId,
    authz::{
        Permission,
        permission::{MemberRead, MemberWrite, TenantRead},
    },
};
use store::{NewEndpoint, NewMember, NewTenant, NewUser, Tx};

use crate::{
    Control, Error,
    audit::{Deed, action},
};

const REQUEST_ID: &str = "set-up";
const SLUG_MAX: usize = 40;
const NAME_MAX: usize = 100;

/// Who is looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// `None` behind an API key.
    pub user: Option<User>,
    pub tenant: Tenant,
    pub role: Role,
}

/// The beginning of an organisation.
#[derive(Debug, Clone)]
pub struct SetUp {
    /// Its part of the MCP URL: `[a-z0-9-]`, 1 to 40 characters.
    pub tenant_slug: String,
    pub tenant_name: String,
    pub owner_email: String,
    pub owner_name: String,
}

/// What a set-up leaves behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetUpDone {
    pub tenant: Tenant,
    pub owner: User,
    /// `false` when the organisation was there before.
    pub created: bool,
}

// === impl Control ===

impl Control {
    /// Who the caller is and where.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the organisation or the person was deleted in the meantime.
    pub async fn viewer(&self, ctx: &OpCtx) -> Result<Viewer, Error> {
        let granted = self.require::<TenantRead>(ctx, &Deed::new(action::TENANT_READ)).await?;
        let tx = self.store().read(&granted).await?;
        let tenant = tx.tenant().lookup(&granted).await?;
        let user = match ctx.principal() {
            Principal::User(id) => Some(tx.directory().lookup_user(*id).await?),
            Principal::ApiKey(_) | Principal::System(_) => None,
        };
        Ok(Viewer { user, tenant, role: ctx.access().role })
    }

    /// Makes an organisation with its owner and its endpoint, in one transaction, or finds what an earlier set-up left. Done twice,
    /// it changes nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a slug, name or address that cannot be one.
    pub async fn set_up(&self, command: SetUp) -> Result<SetUpDone, Error> {
        validate(&command)?;
        let found = self.store().directory().find_tenant(&command.tenant_slug).await?;
        let created = found.is_none();
        let tenant_id = found.as_ref().map_or_else(TenantId::generate, |tenant| tenant.id);
        let members: Granted<MemberWrite> = granted(tenant_id);
        let tx = self.store().begin(&members).await?;
        let tenant = match found {
            Some(tenant) => tenant,
            None => self.create_tenant(&tx, tenant_id, &command).await?,
        };
        let owner = match tx.directory().find_user_by_email(&command.owner_email).await? {
            Some(user) => user,
            None => self.create_user(&tx, &command).await?,
        };
        let belongs = tx.members().find(&granted(tenant_id), owner.id).await?.is_some();
        if !belongs {
            self.create_owner(&tx, &members, &owner).await?;
        }
        if tx.endpoints().list(&granted(tenant_id)).await?.is_empty() {
            tx.endpoints().create(&granted(tenant_id), self.first_endpoint(&tenant)).await?;
        }
        if created || !belongs {
            let deed = Deed::on(action::TENANT_SET_UP, &tenant_id);
            let actor = Principal::System(SystemReason::SetUp);
            let entry = self.audit_by(&actor, REQUEST_ID, &deed).succeeded();
            tx.audit().append(&granted(tenant_id), entry).await?;
        }
        tx.commit().await?;
        Ok(SetUpDone { tenant, owner, created })
    }

    /// An organisation and one of its owners, for the operator's own shell.
    ///
    /// # Errors
    /// Only faults inside; `None` when there is no such organisation or the person does not own it.
    pub async fn find_owner(&self, slug: &str, email: &str) -> Result<Option<SetUpDone>, Error> {
        let Some(tenant) = self.store().directory().find_tenant(slug).await? else {
            return Ok(None);
        };
        let Some(owner) = self.store().directory().find_user_by_email(email).await? else {
            return Ok(None);
        };
        let members: Granted<MemberRead> = granted(tenant.id);
        let tx = self.store().read(&members).await?;
        let membership = tx.members().find(&members, owner.id).await?;
        let owns = membership
            .is_some_and(|membership| membership.role == Role::Owner && membership.is_active());
        Ok(owns.then_some(SetUpDone { tenant, owner, created: false }))
    }

    pub(crate) async fn create_tenant(
        &self,
        tx: &Tx,
        id: TenantId,
        command: &SetUp,
    ) -> Result<Tenant, Error> {
        let new = NewTenant {
            id,
            slug: command.tenant_slug.clone(),
            name: command.tenant_name.trim().to_owned(),
            created_at: self.now(),
        };
        Ok(tx.directory().create_tenant(new).await?)
    }

    async fn create_user(&self, tx: &Tx, command: &SetUp) -> Result<User, Error> {
        let new = NewUser {
            id: UserId::generate(),
            email: command.owner_email.clone(),
            display_name: command.owner_name.trim().to_owned(),
            created_at: self.now(),
        };
        Ok(tx.directory().create_user(new).await?)
    }

    async fn create_owner(
        &self,
        tx: &Tx,
        members: &Granted<MemberWrite>,
        owner: &User,
    ) -> Result<(), Error> {
        let member = NewMember {
            id: MembershipId::generate(),
            user: owner.id,
            role: Role::Owner,
            clearance: Role::Owner.usual_clearance(),
            created_at: self.now(),
        };
        tx.members().create(members, member).await?;
        Ok(())
    }

    pub(crate) fn first_endpoint(&self, tenant: &Tenant) -> NewEndpoint {
        NewEndpoint {
            id: EndpointId::generate(),
            slug: "mcp".to_owned(),
            name: format!("{} MCP", tenant.name),
            instructions: None,
            created_at: self.now(),
        }
    }
}

fn granted<P: Permission>(tenant: TenantId) -> Granted<P> {
    Granted::system(SystemReason::SetUp, tenant, REQUEST_ID)
}

fn validate(command: &SetUp) -> Result<(), Error> {
    let slug = &command.tenant_slug;
    let slug_fits = (1..=SLUG_MAX).contains(&slug.len())
        && slug
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !slug_fits {
        let message = "a slug has 1 to 40 characters out of a-z, 0-9 and `-`";
        return Err(Error::invalid("tenantSlug", "slug", message));
    }
    check_name("tenantName", &command.tenant_name)?;
    check_name("ownerName", &command.owner_name)?;
    let email = &command.owner_email;
    let email_fits = email.len() <= 254
        && email.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
    if !email_fits {
        return Err(Error::invalid("ownerEmail", "email", "this is not an e-mail address"));
    }
    Ok(())
}

/// A name for people: 1 to 100 characters, not only spaces.
pub(crate) fn check_name(field: &str, name: &str) -> Result<(), Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX {
        let message = "a name has 1 to 100 characters";
        return Err(Error::invalid(field, "length", message));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid(field, "characters", "a name is one line of text"));
    }
    Ok(())
}
