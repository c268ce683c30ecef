//! Domains of an organisation: claimed by an admin, proven by a DNS record, looked at again while they are in use.

use chrono::TimeDelta;
use domain::secret::ExposeSecret;
use domain::{
    Domain, DomainId, Granted, OpCtx, Page, PageArgs, SystemReason, TenantId,
    authz::{
        Permission,
        permission::{AuditWrite, IdentityRead, IdentityWrite},
    },
};
use serde_json::json;
use store::{NewAudit, NewDomain};

use crate::{
    Control, Error,
    audit::{Deed, action},
    login::random_token,
};

/// A proven domain is looked at again this often.
const CHECK_HOURS: i64 = 24;
/// A record that is gone for so long releases the domain: shorter would punish a mistake, longer would trust a former owner.
const RELEASE_HOURS: i64 = 72;
/// Domains whose addresses anybody can have: no organisation owns them.
const FREE_MAIL: &str = include_str!("free_mail.txt");

// === impl Control ===

impl Control {
    /// The organisation's domains.
    ///
    /// # Errors
    /// [`Error::Denied`] below auditor.
    pub async fn list_domains(&self, ctx: &OpCtx, page: PageArgs) -> Result<Page<Domain>, Error> {
        let granted = self.require(ctx, &Deed::new(action::DOMAIN_READ)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.domains().list(&granted, &page).await?)
    }

    /// A domain by its id.
    ///
    /// # Errors
    /// [`Error::Denied`] below auditor, [`Error::NotFound`].
    pub async fn lookup_domain(&self, ctx: &OpCtx, id: DomainId) -> Result<Domain, Error> {
        let granted = self.require(ctx, &Deed::on(action::DOMAIN_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.domains().lookup(&granted, id).await?)
    }

    /// Claims a domain. It means nothing until it is proven.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::Reauthenticate`], [`Error::Invalid`] for what no organisation can own, [`Error::Conflict`]
    /// for one that this organisation claims already.
    pub async fn add_domain(&self, ctx: &OpCtx, name: &str) -> Result<Domain, Error> {
        let id = DomainId::generate();
        let deed = Deed::on(action::DOMAIN_ADD, &id);
        let granted: Granted<IdentityWrite> = self.require_whole(ctx, &deed).await?;
        self.require_recent(ctx).await?;
        let name = ownable(name)?;
        let token = random_token()?.expose_secret().to_owned();
        let tx = self.store().begin(&granted).await?;
        let new = NewDomain { id, name, token, created_at: self.now() };
        let domain = tx.domains().create(&granted, new).await?;
        self.audit(&tx, ctx, &deed, json!({ "name": domain.name })).await?;
        tx.commit().await?;
        Ok(domain)
    }

    /// Looks for the record that proves a domain.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::NotFound`]; [`Error::Invalid`] when the record is not there, [`Error::Conflict`] when the
    /// domain leads to another organisation.
    pub async fn verify_domain(&self, ctx: &OpCtx, id: DomainId) -> Result<Domain, Error> {
        let deed = Deed::on(action::DOMAIN_VERIFY, &id);
        let granted: Granted<IdentityWrite> = self.require_whole(ctx, &deed).await?;
        self.require_recent(ctx).await?;
        let reading = self.require::<IdentityRead>(ctx, &deed).await?;
        let tx = self.store().read(&reading).await?;
        let domain = tx.domains().lookup(&reading, id).await?;
        // No transaction is held open while a name server thinks.
        drop(tx);
        if !self.is_proven(&domain).await? {
            let (name, value) = (domain.record_name(), domain.record_value());
            let message = format!(
                "there is no TXT record {name} with the text {value} yet; changes of DNS can take some time"
            );
            return Err(Error::invalid("id", "not_proven", message));
        }
        let tx = self.store().begin(&granted).await?;
        let verified = match tx.domains().verify(&granted, &domain, self.now()).await {
            Err(store::Error::Conflict { .. }) => {
                let message =
                    "another organisation has proven this domain: it must give it up first";
                return Err(Error::conflict("id", message));
            }
            verified => verified?,
        };
        self.audit(&tx, ctx, &deed, json!({ "name": verified.name })).await?;
        tx.commit().await?;
        Ok(verified)
    }

    /// Gives a domain up: addresses in it lead here no more.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::Reauthenticate`], [`Error::NotFound`].
    pub async fn remove_domain(&self, ctx: &OpCtx, id: DomainId) -> Result<(), Error> {
        let deed = Deed::on(action::DOMAIN_REMOVE, &id);
        let granted: Granted<IdentityWrite> = self.require_whole(ctx, &deed).await?;
        self.require_recent(ctx).await?;
        let tx = self.store().begin(&granted).await?;
        tx.domains().remove(&granted, id).await?;
        self.audit(&tx, ctx, &deed, json!({})).await?;
        Ok(tx.commit().await?)
    }

    /// Looks again at proven domains that were not looked at for a day, and releases those whose record is gone for three. Gives how
    /// many were looked at. Two workers at once do the same twice, which changes nothing.
    ///
    /// # Errors
    /// [`Error::Internal`] alone; a name server that does not answer leaves its domains for the next time.
    pub async fn check_domains(&self) -> Result<usize, Error> {
        let mut looked_at = 0;
        for tenant in self.store().directory().list_domain_owners().await? {
            let reading: Granted<IdentityRead> = granted(tenant);
            let before = self.now() - TimeDelta::hours(CHECK_HOURS);
            let tx = self.store().read(&reading).await?;
            let due = tx.domains().list_due(&reading, before).await?;
            drop(tx);
            for domain in due {
                match self.is_proven(&domain).await {
                    Ok(proven) => self.note_check(&domain, proven).await?,
                    Err(Error::Upstream { message, .. }) => {
                        tracing::warn!(domain.id = %domain.id, reason = %message, "A domain could not be looked at again");
                    }
                    Err(error) => return Err(error),
                }
                looked_at += 1;
            }
        }
        Ok(looked_at)
    }

    async fn note_check(&self, domain: &Domain, proven: bool) -> Result<(), Error> {
        let writing: Granted<IdentityWrite> = granted(domain.tenant);
        let now = self.now();
        let tx = self.store().begin(&writing).await?;
        if proven {
            tx.domains().verify(&writing, domain, now).await?;
            return Ok(tx.commit().await?);
        }
        let release = domain
            .missing_since
            .is_some_and(|since| now - since >= TimeDelta::hours(RELEASE_HOURS));
        tx.domains().miss(&writing, domain, now, release).await?;
        if release {
            let auditing: Granted<AuditWrite> = granted(domain.tenant);
            let actor = domain::Principal::System(SystemReason::SignIn);
            let deed = Deed::on(action::DOMAIN_RELEASE, &domain.id);
            let entry = self.audit_by(&actor, "domains", &deed).succeeded();
            let detail = json!({ "name": domain.name });
            tx.audit().append(&auditing, NewAudit { detail, ..entry }).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn is_proven(&self, domain: &Domain) -> Result<bool, Error> {
        let found = self.0.parts.egress.lookup_txt(&domain.record_name()).await;
        let texts = found.map_err(|error| Error::Upstream {
            connector: "dns".to_owned(),
            kind: crate::UpstreamKind::Transient,
            message: error.to_string(),
        })?;
        Ok(texts.contains(&domain.record_value()))
    }
}

fn granted<P: Permission>(tenant: TenantId) -> Granted<P> {
    Granted::system(SystemReason::SignIn, tenant, "domains")
}

/// A domain that one organisation can own, in lower-case ASCII: not a public suffix (`co.uk`), not one of free e-mail.
fn ownable(name: &str) -> Result<String, Error> {
    let refused = |message: &str| Err(Error::invalid("name", "domain", message));
    let Ok(url::Host::Domain(name)) = url::Host::parse(name.trim().trim_end_matches('.')) else {
        return refused("a domain looks like acme.com");
    };
    let label =
        |it: &str| (1..=63).contains(&it.len()) && !it.starts_with('-') && !it.ends_with('-');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if name.len() > 200 || !name.bytes().all(plain) || !name.split('.').all(label) {
        return refused("a domain looks like acme.com");
    }
    if psl::domain_str(&name).is_none() {
        return refused("this is not a domain of one organisation: many register names below it");
    }
    if FREE_MAIL.lines().any(|free| free == name) {
        return refused("anybody can have an address in this domain: no organisation owns it");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_one_organisation_can_own_is_a_domain() {
        assert_eq!(ownable(" Acme.COM. ").expect("a domain"), "acme.com");
        assert_eq!(ownable("eng.acme.co.uk").expect("a domain"), "eng.acme.co.uk");
        assert_eq!(ownable("bücher.example").expect("a domain"), "xn--bcher-kva.example");
        let refused = [
            "com",
            "co.uk",
            "gmail.com",
            "github.io",
            "localhost",
            "127.0.0.1",
            "a b.com",
            "",
            "-a.com",
        ];
        for name in refused {
            assert!(ownable(name).is_err(), "{name}");
        }
    }

    #[test]
    fn list_of_free_mail_is_in_the_form_that_is_compared() {
        assert!(FREE_MAIL.lines().count() > 50);
        for line in FREE_MAIL.lines() {
            assert!(!line.is_empty() && line == line.trim().to_lowercase(), "{line:?}");
        }
    }
}
