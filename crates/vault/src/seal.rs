//! Sealing with the place of a secret as associated data, so that a row copied elsewhere does not open.
//!
//! Sealed bytes: format (2) | version of the data key (4, big-endian) | nonce (24) | ciphertext and tag. Format 1, which has the id
//! of a key-encryption key where format 2 has the version, is still opened and never written; it is always of version 1.

use std::sync::Arc;

use domain::{CredentialId, TenantId};
use zeroize::Zeroizing;

use crate::{
    Error,
    cipher::{self, NONCE},
    kek::{KEY, KEY_ID},
};

const FORMAT: u8 = 2;
const FIRST_FORMAT: u8 = 1;
const VERSION: usize = 4;

/// A data key as the store keeps it: useless without the key that wrapped it and for any other organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedDataKey(pub Vec<u8>);

/// An unwrapped data key of one organisation. It has no `Debug` and no `Serialize`, and is zeroized when its last clone is dropped.
#[derive(Clone)]
pub struct DataKey {
    tenant: TenantId,
    version: u32,
    key: Arc<Zeroizing<[u8; KEY]>>,
}

/// The place of a secret: sealed bytes open only with the very same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealContext {
    pub tenant: TenantId,
    pub credential: CredentialId,
    pub version: i64,
}

/// An opened secret. It has no `Debug`, no `Serialize` and no `Clone`, and is zeroized when dropped.
pub struct Opened(Zeroizing<Vec<u8>>);

/// Which version of the organisation's data key opens sealed bytes.
///
/// # Errors
/// [`Error::Format`] and [`Error::Sealed`] for bytes that nobody sealed.
pub fn key_version(sealed: &[u8]) -> Result<u32, Error> {
    match sealed.first() {
        Some(&FIRST_FORMAT) => Ok(1),
        Some(&FORMAT) => sealed
            .get(1..=VERSION)
            .and_then(|version| version.try_into().ok())
            .map(u32::from_be_bytes)
            .ok_or(Error::Sealed),
        Some(other) => Err(Error::Format(*other)),
        None => Err(Error::Sealed),
    }
}

/// How everything begins that is sealed under a version of the data key.
pub fn header(version: u32) -> [u8; 1 + VERSION] {
    let [a, b, c, d] = version.to_be_bytes();
    [FORMAT, a, b, c, d]
}

pub(crate) fn seal(
    data_key: &DataKey,
    context: &SealContext,
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    if data_key.tenant != context.tenant {
        return Err(Error::Sealed);
    }
    let associated = context.bytes(data_key.version);
    let (nonce, ciphertext) = cipher::seal(&data_key.key, associated.as_bytes(), plaintext)?;
    let mut sealed = Vec::with_capacity(1 + VERSION + NONCE + ciphertext.len());
    sealed.extend_from_slice(&header(data_key.version));
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&ciphertext);
    Ok(sealed)
}

pub(crate) fn open(
    data_key: &DataKey,
    context: &SealContext,
    sealed: &[u8],
) -> Result<Opened, Error> {
    if data_key.tenant != context.tenant || key_version(sealed)? != data_key.version {
        return Err(Error::Sealed);
    }
    let (associated, before_nonce) = match sealed[0] {
        FIRST_FORMAT => (context.first_bytes(), 1 + KEY_ID),
        _ => (context.bytes(data_key.version), 1 + VERSION),
    };
    let (header, ciphertext) =
        sealed.split_at_checked(before_nonce + NONCE).ok_or(Error::Sealed)?;
    cipher::open(&data_key.key, associated.as_bytes(), &header[before_nonce..], ciphertext)
        .map(Opened)
}

// === impl DataKey ===

impl DataKey {
    pub(crate) fn new(tenant: TenantId, version: u32, key: Zeroizing<[u8; KEY]>) -> Self {
        Self { tenant, version, key: Arc::new(key) }
    }

    /// Grows with each rotation.
    pub const fn version(&self) -> u32 {
        self.version
    }
}

// === impl SealContext ===

impl SealContext {
    /// The associated data. UUIDs have one length and the numbers come last, so no two places share these bytes.
    fn bytes(&self, key_version: u32) -> String {
        format!("{}|key {key_version}", self.first_bytes())
    }

    fn first_bytes(&self) -> String {
        format!("credential|{}|{}|{}", self.tenant.uuid(), self.credential.uuid(), self.version)
    }
}

// === impl Opened ===

impl Opened {
    /// The plaintext, for the moment of its use.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Kek, Vault};

    fn vault() -> (tempfile::TempDir, Vault) {
        let directory = tempfile::tempdir().expect("directory");
        let kek = Kek::load_or_create(&directory.path().join("key")).expect("key");
        (directory, Vault::new(kek))
    }

    fn key_of(tenant: TenantId, version: u32) -> DataKey {
        let mut key = Zeroizing::new([0; KEY]);
        getrandom::fill(key.as_mut_slice()).expect("randomness");
        DataKey::new(tenant, version, key)
    }

    fn place() -> SealContext {
        SealContext {
            tenant: TenantId::generate(),
            credential: CredentialId::generate(),
            version: 1,
        }
    }

    #[test]
    fn secret_opens_only_at_its_own_place() {
        let here = place();
        let key = key_of(here.tenant, 1);
        let sealed = seal(&key, &here, b"hunter2").expect("sealed");
        assert_eq!(open(&key, &here, &sealed).expect("opened").expose(), b"hunter2");

        let elsewhere = [
            SealContext { tenant: TenantId::generate(), ..here },
            SealContext { credential: CredentialId::generate(), ..here },
            SealContext { version: 2, ..here },
        ];
        for other in elsewhere {
            assert!(open(&key, &other, &sealed).is_err(), "{other:?}");
        }
    }

    #[test]
    fn secret_of_one_version_of_the_data_key_does_not_pass_for_one_of_another() {
        let here = place();
        let key = key_of(here.tenant, 7);
        let mut sealed = seal(&key, &here, b"hunter2").expect("sealed");
        assert_eq!(key_version(&sealed).expect("a version"), 7);
        let renamed = DataKey { version: 8, ..key.clone() };
        assert!(open(&renamed, &here, &sealed).is_err());
        sealed[4] = 8;
        assert!(open(&renamed, &here, &sealed).is_err(), "the version is part of the seal");
        assert!(open(&key, &here, &sealed).is_err());
    }

    /// Written by the release before data keys had versions.
    #[test]
    fn first_format_still_opens_as_version_1() {
        let here = place();
        let key = key_of(here.tenant, 1);
        let associated = here.first_bytes();
        let (nonce, text) = cipher::seal(&key.key, associated.as_bytes(), b"old").expect("sealed");
        let sealed = [&[1][..], &[9; KEY_ID], &nonce, &text].concat();
        assert_eq!(key_version(&sealed).expect("a version"), 1);
        assert_eq!(open(&key, &here, &sealed).expect("opened").expose(), b"old");
        assert!(open(&key_of(here.tenant, 1), &here, &sealed).is_err());
    }

    #[tokio::test]
    async fn data_key_of_another_organisation_does_not_unwrap() {
        let (_directory, vault) = vault();
        let (here, there) = (place(), place());
        let (theirs, _) = vault.new_data_key(there.tenant, 1).await.expect("data key");
        let stolen = vault.unwrap(here.tenant, 1, &theirs).await;
        assert!(matches!(stolen, Err(Error::Sealed)));
    }

    #[tokio::test]
    async fn bytes_of_another_key_say_so() {
        let ((_a, first), (_b, second)) = (vault(), vault());
        let here = place();
        let (wrapped, _) = first.new_data_key(here.tenant, 1).await.expect("data key");
        let opened = second.unwrap(here.tenant, 1, &wrapped).await;
        assert!(matches!(opened, Err(Error::OtherKey { .. })));
    }

    #[test]
    fn derived_keys_differ_by_purpose_and_are_stable() {
        let (_directory, vault) = vault();
        assert_eq!(vault.derive("a"), vault.derive("a"));
        assert_ne!(vault.derive("a"), vault.derive("b"));
    }

    #[test]
    fn truncated_and_foreign_bytes_do_not_open() {
        let here = place();
        let key = key_of(here.tenant, 1);
        let sealed = seal(&key, &here, b"secret").expect("sealed");
        for length in 0..sealed.len() {
            assert!(open(&key, &here, &sealed[..length]).is_err(), "{length} bytes");
        }
        assert!(open(&key, &here, b"hunter2, never sealed").is_err());
    }

    #[test]
    fn same_secret_is_sealed_to_other_bytes_each_time() {
        let here = place();
        let key = key_of(here.tenant, 1);
        let sealed = || seal(&key, &here, b"secret").expect("sealed");
        assert_ne!(sealed(), sealed());
    }

    fn any_place() -> impl Strategy<Value = SealContext> {
        (any::<u128>(), any::<u128>(), any::<i64>()).prop_map(|(tenant, credential, version)| {
            SealContext {
                tenant: TenantId::from_uuid(uuid::Uuid::from_u128(tenant)),
                credential: CredentialId::from_uuid(uuid::Uuid::from_u128(credential)),
                version,
            }
        })
    }

    proptest! {
        #[test]
        fn any_secret_comes_back_at_any_place(place in any_place(), version: u32, secret: Vec<u8>) {
            let key = key_of(place.tenant, version);
            let sealed = seal(&key, &place, &secret).expect("sealed");
            let opened = open(&key, &place, &sealed).expect("opened");
            prop_assert_eq!(opened.expose(), secret.as_slice());
        }

        #[test]
        fn no_two_places_share_a_secret(here in any_place(), there in any_place(), secret: Vec<u8>) {
            prop_assume!(here != there);
            let keys = [here, there].map(|place| key_of(place.tenant, 1));
            let sealed = seal(&keys[0], &here, &secret).expect("sealed");
            for key in &keys {
                prop_assert!(open(key, &there, &sealed).is_err());
            }
        }

        #[test]
        fn any_flipped_bit_keeps_it_shut(secret in proptest::collection::vec(any::<u8>(), 0..64), bit in any::<prop::sample::Index>()) {
            let here = place();
            let key = key_of(here.tenant, 1);
            let mut sealed = seal(&key, &here, &secret).expect("sealed");
            let bit = bit.index(sealed.len() * 8);
            sealed[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(open(&key, &here, &sealed).is_err());
        }
    }
}
