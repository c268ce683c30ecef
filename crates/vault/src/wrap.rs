//! Who wraps data keys: the key-encryption key of this machine, a key service that speaks the AWS KMS protocol, or a `HashiCorp`
//! Vault Transit engine. What was wrapped by one of them opens as long as that one is configured, so that moving is a rotation.

use domain::TenantId;
use zeroize::Zeroizing;

use crate::{
    Config, Error, Kek, ProviderName, WrappedDataKey,
    kek::KEY,
    kms::{self, Kms},
    local::Local,
    transit::{self, Transit},
};

/// The keys that can wrap and unwrap here.
pub(crate) struct Wrappers {
    /// Also the root of keys that are derived, so that it is there in every deployment.
    pub(crate) local: Local,
    kms: Option<Kms>,
    transit: Option<Transit>,
    writes: ProviderName,
}

/// A fresh data key and its wrapped form.
pub(crate) struct Fresh {
    pub(crate) key: Zeroizing<[u8; KEY]>,
    pub(crate) wrapped: WrappedDataKey,
}

// === impl Wrappers ===

impl Wrappers {
    pub(crate) fn build(config: &Config) -> Result<Self, Error> {
        let local = Local::load(config)?;
        let kms = config.kms.as_ref().map(Kms::build).transpose()?;
        let transit = config.transit.as_ref().map(Transit::build).transpose()?;
        let missing = match config.provider {
            ProviderName::AwsKms if kms.is_none() => Some("vault.kms"),
            ProviderName::Transit if transit.is_none() => Some("vault.transit"),
            _ => None,
        };
        if let Some(section) = missing {
            return Err(Error::NotConfigured { section });
        }
        Ok(Self { local, kms, transit, writes: config.provider })
    }

    pub(crate) fn of_local(kek: Kek) -> Self {
        Self { local: Local::of(kek), kms: None, transit: None, writes: ProviderName::Local }
    }

    /// Whether unwrapping asks another machine, so that what was unwrapped is worth keeping for a while.
    pub(crate) fn is_remote(wrapped: &WrappedDataKey) -> bool {
        matches!(wrapped.0.first(), Some(&(kms::FORMAT | transit::FORMAT)))
    }

    /// Which key wraps what is written now: `local:<id>`, `aws_kms:<key>` or `transit:<mount>/<key>`.
    pub(crate) fn current(&self) -> String {
        match (self.writes, &self.kms, &self.transit) {
            (ProviderName::AwsKms, Some(kms), _) => kms.name(),
            (ProviderName::Transit, _, Some(transit)) => transit.name(),
            _ => format!("local:{}", self.local.id()),
        }
    }

    pub(crate) async fn generate(&self, tenant: TenantId) -> Result<Fresh, Error> {
        if let (ProviderName::AwsKms, Some(kms)) = (self.writes, &self.kms) {
            return kms.generate(tenant).await;
        }
        let mut key = Zeroizing::new([0; KEY]);
        getrandom::fill(key.as_mut_slice()).map_err(|_| Error::Random)?;
        let wrapped = self.wrap(tenant, &key).await?;
        Ok(Fresh { key, wrapped })
    }

    pub(crate) async fn wrap(
        &self,
        tenant: TenantId,
        key: &[u8; KEY],
    ) -> Result<WrappedDataKey, Error> {
        match (self.writes, &self.kms, &self.transit) {
            (ProviderName::AwsKms, Some(kms), _) => kms.wrap(tenant, key).await,
            (ProviderName::Transit, _, Some(transit)) => transit.wrap(tenant, key).await,
            _ => self.local.wrap(tenant, key),
        }
    }

    pub(crate) async fn unwrap(
        &self,
        tenant: TenantId,
        wrapped: &WrappedDataKey,
    ) -> Result<Zeroizing<[u8; KEY]>, Error> {
        match wrapped.0.first() {
            Some(&kms::FORMAT) => {
                let kms = self.kms.as_ref();
                let kms = kms.ok_or(Error::NotConfigured { section: "vault.kms" })?;
                kms.unwrap(tenant, &wrapped.0[1..]).await
            }
            Some(&transit::FORMAT) => {
                let transit = self.transit.as_ref();
                let transit = transit.ok_or(Error::NotConfigured { section: "vault.transit" })?;
                transit.unwrap(tenant, &wrapped.0[1..]).await
            }
            _ => self.local.unwrap(tenant, wrapped),
        }
    }

    /// Wraps the same data key under the key that wraps now. A Transit engine does so without giving the key out.
    pub(crate) async fn rewrap(
        &self,
        tenant: TenantId,
        wrapped: &WrappedDataKey,
    ) -> Result<WrappedDataKey, Error> {
        if let (ProviderName::Transit, Some(transit), Some(&transit::FORMAT)) =
            (self.writes, &self.transit, wrapped.0.first())
        {
            return transit.rewrap(tenant, &wrapped.0[1..]).await;
        }
        let key = self.unwrap(tenant, wrapped).await?;
        self.wrap(tenant, &key).await
    }

    /// Wraps and unwraps something, so that a wrong address or missing right shows before the first secret.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        let probe = TenantId::generate();
        let fresh = self.generate(probe).await?;
        let opened = self.unwrap(probe, &fresh.wrapped).await?;
        if *opened == *fresh.key { Ok(()) } else { Err(Error::Sealed) }
    }
}
