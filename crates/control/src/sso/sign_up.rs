//! Making an organisation: its first owner comes by a provider that the operator trusts.

use domain::{
    MembershipId, Role, SecretString, TenantId, UserId,
    authz::permission::{AuditWrite, EndpointWrite, MemberWrite},
    identity::{AttemptPurpose, Voucher},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use store::{NewMember, Tx};

use super::{
    attempt::local_path,
    attempt::{Ask, Begun, Detail, domain_of},
    finish::{BeginSession, Finished, Proven, proof, refused},
    granted, people,
    provider::Client,
};
use crate::{
    Browser, Control, Error,
    audit::{Deed, action},
    tenants::{SetUp, check_name},
};

/// Who may found an organisation here, and by which providers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SignUpConfig {
    /// Providers by which people may make an organisation, as `[[sign_up.providers]]` in the file; none by default. They must speak OpenID Connect: Google, Microsoft, GitLab, Okta and Keycloak do; GitHub speaks OAuth 2.0 without ID tokens and cannot be named here.
    pub providers: Vec<SignUpProvider>,
}

/// A provider of OpenID Connect that anybody may found an organisation by.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUpProvider {
    /// Last part of the redirect URI `<public_url>/sso/callback/<key>`: `[a-z0-9-]`, for instance `google`.
    pub key: String,
    /// What the button says.
    pub name: String,
    /// Issuer identifier, for instance `https://accounts.google.com`.
    pub issuer: String,
    /// Id under which the provider knows this Patchbay.
    pub client_id: String,
    /// Secret under which the provider knows this Patchbay.
    #[serde(default, serialize_with = "hidden")]
    #[schemars(with = "Option<String>")]
    pub client_secret: Option<SecretString>,
}

/// Somebody wants to found an organisation.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// Key of a configured provider.
    pub provider: String,
    pub organisation: String,
}

#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn hidden<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| "<hidden>").serialize(serializer)
}

// === impl Control ===

impl Control {
    /// The providers by which an organisation can be founded.
    pub fn sign_up_providers(&self) -> &[SignUpProvider] {
        &self.config().sign_up.providers
    }

    /// Begins to found an organisation.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a provider that is not configured, [`Error::Invalid`] for a name that cannot be one, [`Error::Upstream`].
    pub async fn begin_sign_up(
        &self,
        command: SignUp,
        browser: Browser<'_>,
    ) -> Result<Begun, Error> {
        check_name("organisation", &command.organisation)?;
        let organisation = Some(command.organisation.trim().to_owned());
        let detail = Detail { organisation, ..Detail::default() };
        self.begin_by_provider(&command.provider, AttemptPurpose::SignUp, detail, browser).await
    }

    /// Begins a sign-in by one of the operator's providers, for people of organisations that have none of their own.
    ///
    /// # Errors
    /// As [`Control::begin_sign_up`].
    pub async fn begin_provider_sign_in(
        &self,
        provider: &str,
        browser: Browser<'_>,
    ) -> Result<Begun, Error> {
        let detail =
            Detail { return_to: browser.return_to.and_then(local_path), ..Detail::default() };
        self.begin_by_provider(provider, AttemptPurpose::SignIn, detail, browser).await
    }

    async fn begin_by_provider(
        &self,
        key: &str,
        purpose: AttemptPurpose,
        detail: Detail,
        browser: Browser<'_>,
    ) -> Result<Begun, Error> {
        let (client, scopes) = self.provider_client(key)?;
        let voucher = Voucher::Provider(key.to_owned());
        let ask = Ask { client, scopes: &scopes, voucher, purpose, session: None, detail };
        self.begin(ask, browser.public_url).await
    }

    pub(super) fn provider_client(&self, key: &str) -> Result<(Client, Vec<String>), Error> {
        let found = self.sign_up_providers().iter().find(|provider| provider.key == key);
        let found = found.ok_or(Error::NotFound)?;
        let client = Client {
            id: found.client_id.clone(),
            secret: found.client_secret.clone(),
            name: found.name.clone(),
            issuer: found.issuer.clone(),
        };
        Ok((client, vec!["email".to_owned(), "profile".to_owned()]))
    }

    /// Makes the organisation, with whoever the provider vouches for as its owner.
    pub(super) async fn sign_up(
        &self,
        provider: &str,
        proven: &Proven,
        request_id: &str,
        detail: &Detail,
    ) -> Result<Finished, Error> {
        let name = detail.organisation.as_deref().ok_or(Error::Unauthenticated)?;
        let tenant = TenantId::generate();
        let members = granted::<MemberWrite>(tenant, request_id);
        let slug = self.free_slug(name).await?;
        let tx = self.store().begin(&members).await?;
        let owner = self.founder(&tx, proven).await?;
        let set_up = SetUp {
            tenant_slug: slug,
            tenant_name: name.to_owned(),
            owner_email: String::new(),
            owner_name: String::new(),
        };
        let made = self.create_tenant(&tx, tenant, &set_up).await?;
        let member = NewMember {
            id: MembershipId::generate(),
            user: owner,
            role: Role::Owner,
            clearance: Role::Owner.usual_clearance(),
            created_at: self.now(),
        };
        tx.members().create(&members, member).await?;
        let endpoints = granted::<EndpointWrite>(tenant, request_id);
        tx.endpoints().create(&endpoints, self.first_endpoint(&made)).await?;
        let auditing = granted::<AuditWrite>(tenant, request_id);
        let deed = Deed::on(action::TENANT_SIGN_UP, &tenant);
        let entry = self.audit_by(&domain::Principal::User(owner), request_id, &deed).succeeded();
        tx.audit().append(&auditing, entry).await?;
        tx.commit().await?;
        self.session_by_provider(provider, proven, (tenant, owner), request_id, None).await
    }

    /// The person who founds an organisation: known by issuer and subject, or new with an address that nobody has.
    pub(super) async fn founder(&self, tx: &Tx, proven: &Proven) -> Result<UserId, Error> {
        let directory = tx.directory();
        if let Some(known) = directory.find_identity(&proven.issuer, &proven.subject).await? {
            return Ok(known.user);
        }
        let email = people::vouched_address(proven)?;
        let domain = domain_of(&email).unwrap_or_default();
        if directory.find_domain_owner(domain).await?.is_some() {
            let message = format!(
                "people with addresses at {domain} sign in by their organisation: type your address on the sign-in page"
            );
            return Err(refused("domain_taken", message));
        }
        if directory.find_user_by_email(&email).await?.is_some() {
            // Joining the two by the address would give an account to whoever can claim it elsewhere.
            let message = "somebody with your e-mail address is known here already: sign in the way you did before";
            return Err(refused("address_taken", message));
        }
        let user = self.create_person(tx, &email, proven).await?;
        self.tie(tx, user, proven).await?;
        Ok(user)
    }

    /// Signs in somebody who founded an organisation, or was signed in by this provider before.
    pub(super) async fn enter_by_provider(
        &self,
        provider: &str,
        proven: &Proven,
        request_id: &str,
        return_to: Option<String>,
    ) -> Result<Finished, Error> {
        let directory = self.store().directory();
        let known = directory.find_identity(&proven.issuer, &proven.subject).await?;
        let user = known.ok_or_else(|| {
            refused(
                "no_account",
                "nobody has signed up here by that account: found an organisation first",
            )
        })?;
        let user = user.user;
        let mut enforced = false;
        for tenant in directory.list_organisations(user).await? {
            let Some(access) = self.access_of_user(tenant.id, user, request_id).await? else {
                continue;
            };
            if self.must_use_connection(tenant.id, access.role, request_id).await? {
                enforced = true;
                continue;
            }
            let who = (tenant.id, user);
            return self.session_by_provider(provider, proven, who, request_id, return_to).await;
        }
        Err(if enforced {
            refused(
                "enforced",
                "your organisation signs in by its own provider: type your address on the sign-in page",
            )
        } else {
            refused("no_organisation", "you do not belong to an organisation any more")
        })
    }

    pub(super) async fn session_by_provider(
        &self,
        provider: &str,
        proven: &Proven,
        (tenant, user): (TenantId, UserId),
        request_id: &str,
        return_to: Option<String>,
    ) -> Result<Finished, Error> {
        let voucher = Voucher::Provider(provider.to_owned());
        let begin =
            BeginSession { tenant, user, policy: None, proof: Some(proof(voucher, proven)) };
        let signed_in = Box::new(self.begin_session(begin, request_id).await?);
        Ok(Finished::SignedIn { signed_in, return_to })
    }

    /// A slug made of the name, with a few random letters if it is taken.
    async fn free_slug(&self, name: &str) -> Result<String, Error> {
        let plain = slug_of(name);
        if self.store().directory().find_tenant(&plain).await?.is_none() {
            return Ok(plain);
        }
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes)
            .map_err(|error| Error::internal(crate::error::Fault::Random(error)))?;
        Ok(format!("{plain}-{}", hex::encode(bytes)))
    }
}

/// Lower-case letters and digits with single dashes between them, at most 31 characters.
fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 31 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "organisation".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slug_is_made_of_any_name() {
        assert_eq!(slug_of("Acme & Sons, Ltd."), "acme-sons-ltd");
        assert_eq!(slug_of("株式会社"), "organisation");
        assert!(slug_of(&"x".repeat(100)).len() <= 31);
    }
}
