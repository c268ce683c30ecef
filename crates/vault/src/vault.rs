//! The vault: unwraps data keys, and seals and opens under them.

use std::{sync::Arc, time::Duration};

use domain::TenantId;
use zeroize::Zeroizing;

use crate::{
    Config, Error, Kek, Opened, SealContext, WrappedDataKey,
    kek::KEY,
    seal::{self, DataKey},
    wrap::Wrappers,
};

/// How long a data key that another machine unwrapped is used without asking it again.
const FRESH: Duration = Duration::from_mins(10);
/// How long it is used while that machine cannot be asked: tools go on answering, but no data key opens that was not known.
const STALE_MAX: Duration = Duration::from_hours(1);
/// Data keys kept.
const KEPT_MAX: u64 = 10_000;

/// Opens and seals. Cheap to clone: clones are the same one.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    wrappers: Wrappers,
    /// What key services unwrapped. What the local key wraps is unwrapped at each use.
    fresh: moka::sync::Cache<(TenantId, Vec<u8>), DataKey>,
    stale: moka::sync::Cache<(TenantId, Vec<u8>), DataKey>,
}

// === impl Vault ===

impl Vault {
    /// The vault of a configuration. Asks nobody: see [`Vault::check`].
    ///
    /// # Errors
    /// No key or two keys configured, a key file that cannot be read, a provider without its section.
    pub fn build(config: &Config) -> Result<Self, Error> {
        Wrappers::build(config).map(Self::of)
    }

    /// A vault under this key of this machine alone.
    pub fn new(kek: Kek) -> Self {
        Self::of(Wrappers::of_local(kek))
    }

    fn of(wrappers: Wrappers) -> Self {
        let kept =
            |time| moka::sync::Cache::builder().max_capacity(KEPT_MAX).time_to_live(time).build();
        Self(Arc::new(Inner { wrappers, fresh: kept(FRESH), stale: kept(STALE_MAX) }))
    }

    /// Which key wraps what is written now: `local:<id>`, `aws_kms:<key>` or `transit:<mount>/<key>`.
    pub fn wrapping_key(&self) -> String {
        self.0.wrappers.current()
    }

    /// Wraps and unwraps something, so that a wrong address or a missing right shows before the first secret.
    ///
    /// # Errors
    /// Whatever stood in the way.
    pub async fn check(&self) -> Result<(), Error> {
        self.0.wrappers.check().await
    }

    /// Makes a data key for an organisation and wraps it. Losing the result shreds all that was sealed under it.
    ///
    /// # Errors
    /// [`Error::Random`], or a key service that did not do its part.
    pub async fn new_data_key(
        &self,
        tenant: TenantId,
        version: u32,
    ) -> Result<(WrappedDataKey, DataKey), Error> {
        let fresh = self.0.wrappers.generate(tenant).await?;
        Ok((fresh.wrapped, DataKey::new(tenant, version, fresh.key)))
    }

    /// Unwraps a data key of an organisation.
    ///
    /// # Errors
    /// [`Error::Sealed`] when it is not this organisation's, [`Error::OtherKey`] when it was wrapped under a key that is not here,
    /// or a key service that cannot be asked and has not been asked for this key lately.
    pub async fn unwrap(
        &self,
        tenant: TenantId,
        version: u32,
        wrapped: &WrappedDataKey,
    ) -> Result<DataKey, Error> {
        if !Wrappers::is_remote(wrapped) {
            let key = self.0.wrappers.unwrap(tenant, wrapped).await?;
            return Ok(DataKey::new(tenant, version, key));
        }
        let place = (tenant, wrapped.0.clone());
        if let Some(key) = self.0.fresh.get(&place) {
            return Ok(key);
        }
        match self.0.wrappers.unwrap(tenant, wrapped).await {
            Ok(key) => {
                let key = DataKey::new(tenant, version, key);
                self.0.fresh.insert(place.clone(), key.clone());
                self.0.stale.insert(place, key.clone());
                Ok(key)
            }
            Err(error @ Error::Unreachable { .. }) => match self.0.stale.get(&place) {
                Some(key) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "Used a data key from memory, because the key service did not answer"
                    );
                    Ok(key)
                }
                None => Err(error),
            },
            Err(error) => {
                self.0.stale.invalidate(&place);
                Err(error)
            }
        }
    }

    /// Wraps a data key again, under the key that wraps now. What is sealed under the data key stays as it is.
    ///
    /// # Errors
    /// As [`Vault::unwrap`].
    pub async fn rewrap(
        &self,
        tenant: TenantId,
        wrapped: &WrappedDataKey,
    ) -> Result<WrappedDataKey, Error> {
        self.0.wrappers.rewrap(tenant, wrapped).await
    }

    /// Seals a secret for its place.
    ///
    /// # Errors
    /// [`Error::Sealed`] when the data key is not this organisation's.
    pub fn seal(
        &self,
        data_key: &DataKey,
        context: &SealContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        seal::seal(data_key, context, plaintext)
    }

    /// Opens a secret at its place.
    ///
    /// # Errors
    /// [`Error::Sealed`] for damaged bytes and for any other organisation, credential, version or data key.
    pub fn open(
        &self,
        data_key: &DataKey,
        context: &SealContext,
        sealed: &[u8],
    ) -> Result<Opened, Error> {
        seal::open(data_key, context, sealed)
    }

    /// A key for one purpose, the same in every process that holds the same local key. It changes when the local key does.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; KEY]> {
        self.0.wrappers.local.current().derive(purpose)
    }
}
