//! The organisation itself: who looks at it, and how it begins.

use domain::{
    EndpointId, Granted, MembershipId, OpCtx, Principal, Role, SystemReason, Tenant, TenantId,
    User, UserId,
    authz::permission::{AuditWrite, EndpointWrite, MemberWrite, TenantRead},
};
use store::{NewEndpoint, NewMembership};

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
        self.require::<TenantRead>(ctx, &Deed::new(action::TENANT_READ)).await?;
        let directory = self.store().directory();
        let tenant = directory.lookup_tenant(ctx.tenant()).await?;
        let user = match ctx.principal() {
            Principal::User(id) => Some(directory.lookup_user(*id).await?),
            Principal::ApiKey(_) | Principal::System(_) => None,
        };
        Ok(Viewer { user, tenant, role: ctx.role() })
    }

    /// Makes an organisation with its owner and its endpoint, or finds what an earlier set-up left. Done twice, it changes nothing;
    /// cut off in the middle, the next one completes it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a slug, name or address that cannot be one.
    pub async fn set_up(&self, command: SetUp) -> Result<SetUpDone, Error> {
        validate(&command)?;
        let directory = self.store().directory();
        let (tenant, created) = match directory.find_tenant(&command.tenant_slug).await? {
            Some(tenant) => (tenant, false),
            None => (self.create_tenant(&command).await?, true),
        };
        let owner = match directory.find_user_by_email(&command.owner_email).await? {
            Some(user) => user,
            None => self.create_user(&command).await?,
        };
        self.complete(&tenant, &owner).await?;
        Ok(SetUpDone { tenant, owner, created })
    }

    async fn create_tenant(&self, command: &SetUp) -> Result<Tenant, Error> {
        let tenant = Tenant {
            id: TenantId::generate(),
            slug: command.tenant_slug.clone(),
            name: command.tenant_name.trim().to_owned(),
            created_at: self.now(),
        };
        self.store().directory().create_tenant(&tenant).await?;
        Ok(tenant)
    }

    async fn create_user(&self, command: &SetUp) -> Result<User, Error> {
        let user = User {
            id: UserId::generate(),
            email: command.owner_email.clone(),
            display_name: command.owner_name.trim().to_owned(),
            created_at: self.now(),
        };
        self.store().directory().create_user(&user).await?;
        Ok(user)
    }

    /// Adds the owner and the endpoint where they are missing, with one audit entry, in one transaction.
    async fn complete(&self, tenant: &Tenant, owner: &User) -> Result<(), Error> {
        let reason = SystemReason::SetUp;
        let members: Granted<MemberWrite> = Granted::system(reason, tenant.id, REQUEST_ID);
        let tx = self.store().begin(&members).await?;
        let reading = Granted::system(reason, tenant.id, REQUEST_ID);
        if tx.members().find(&reading, owner.id).await?.is_some() {
            return Ok(());
        }
        let membership = NewMembership {
            id: MembershipId::generate(),
            user: owner.id,
            role: Role::Owner,
            created_at: self.now(),
        };
        tx.members().create(&members, membership).await?;
        let reading = Granted::system(reason, tenant.id, REQUEST_ID);
        if tx.endpoints().list(&reading).await?.is_empty() {
            let endpoints: Granted<EndpointWrite> = Granted::system(reason, tenant.id, REQUEST_ID);
            tx.endpoints().create(&endpoints, self.first_endpoint(tenant)).await?;
        }
        let audits: Granted<AuditWrite> = Granted::system(reason, tenant.id, REQUEST_ID);
        let deed = Deed::on(action::TENANT_CREATE, tenant.id);
        let entry = self.audit_by(&Principal::System(reason), REQUEST_ID, &deed).succeeded();
        tx.audit().append(&audits, entry).await?;
        Ok(tx.commit().await?)
    }

    fn first_endpoint(&self, tenant: &Tenant) -> NewEndpoint {
        NewEndpoint {
            id: EndpointId::generate(),
            slug: "mcp".to_owned(),
            name: format!("{} MCP", tenant.name),
            instructions: None,
            created_at: self.now(),
        }
    }
}

fn validate(command: &SetUp) -> Result<(), Error> {
    let slug = &command.tenant_slug;
    let slug_fits = (1..=SLUG_MAX).contains(&slug.len())
        && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
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
