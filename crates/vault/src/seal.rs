//! Sealing: XChaCha20-Poly1305 with the place of a secret as associated data, so that a row copied elsewhere does not open.
//!
//! Sealed bytes: format (1) | key id (8) | nonce (24) | ciphertext and tag. The nonce is random: 192 bits make that safe.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use domain::{CredentialId, TenantId};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    Error,
    kek::{KEY, KEY_ID, Kek},
};

const FORMAT: u8 = 1;
const NONCE: usize = 24;
const HEADER: usize = 1 + KEY_ID + NONCE;
/// Label of the key that wraps data keys. Keys for callers have a label that starts otherwise, so none of them can be this one.
const WRAP: &str = "patchbay wrap";
const DERIVE: &str = "patchbay derive ";

/// Opens and seals. Holds the key-encryption key; data keys are unwrapped for one call and zeroized.
#[derive(Clone)]
pub struct Vault {
    kek: std::sync::Arc<Kek>,
}

/// A data key as the store keeps it: useless without the key-encryption key and for any other organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedDataKey(pub Vec<u8>);

/// The place of a secret: sealed bytes open only with the very same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealContext {
    pub tenant: TenantId,
    pub credential: CredentialId,
    pub version: i64,
}

/// An opened secret. It has no `Debug`, no `Serialize` and no `Clone`, and is zeroized when dropped.
pub struct Opened(Zeroizing<Vec<u8>>);

// === impl Vault ===

impl Vault {
    /// A vault under this key.
    pub fn new(kek: Kek) -> Self {
        Self { kek: std::sync::Arc::new(kek) }
    }

    /// Makes a data key for an organisation and wraps it. Losing the result shreds all that was sealed under it.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn new_data_key(&self, tenant: TenantId) -> Result<WrappedDataKey, Error> {
        let mut key = Zeroizing::new([0; KEY]);
        getrandom::fill(key.as_mut_slice()).map_err(|_| Error::Random)?;
        let wrapped =
            self.seal_under(&self.expand(&[WRAP]), tenant_context(tenant).as_bytes(), &*key)?;
        Ok(WrappedDataKey(wrapped))
    }

    /// Seals a secret for its place.
    ///
    /// # Errors
    /// [`Error::Sealed`] when the data key is not this organisation's, [`Error::OtherKey`] when it was wrapped under another key.
    pub fn seal(
        &self,
        data_key: &WrappedDataKey,
        context: &SealContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let key = self.unwrap(data_key, context.tenant)?;
        self.seal_under(&key, context.bytes().as_bytes(), plaintext)
    }

    /// Opens a secret at its place.
    ///
    /// # Errors
    /// [`Error::Sealed`] for damaged bytes and for any other organisation, credential or version.
    pub fn open(
        &self,
        data_key: &WrappedDataKey,
        context: &SealContext,
        sealed: &[u8],
    ) -> Result<Opened, Error> {
        let key = self.unwrap(data_key, context.tenant)?;
        self.open_under(&key, context.bytes().as_bytes(), sealed).map(Opened)
    }

    /// A key for one purpose, the same in every process that holds the same key-encryption key (HKDF-SHA-256, RFC 5869).
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; KEY]> {
        self.expand(&[DERIVE, purpose])
    }

    fn expand(&self, label: &[&str]) -> Zeroizing<[u8; KEY]> {
        let mut key = Zeroizing::new([0; KEY]);
        Hkdf::<Sha256>::new(None, self.kek.bytes())
            .expand(label.concat().as_bytes(), key.as_mut_slice())
            .expect("HKDF-SHA-256 gives up to 8,160 bytes and 32 are asked for");
        key
    }

    fn unwrap(
        &self,
        wrapped: &WrappedDataKey,
        tenant: TenantId,
    ) -> Result<Zeroizing<[u8; KEY]>, Error> {
        let bytes =
            self.open_under(&self.expand(&[WRAP]), tenant_context(tenant).as_bytes(), &wrapped.0)?;
        <[u8; KEY]>::try_from(bytes.as_slice()).map(Zeroizing::new).map_err(|_| Error::Sealed)
    }

    fn seal_under(
        &self,
        key: &[u8; KEY],
        associated: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| Error::Random)?;
        let payload = Payload { msg: plaintext, aad: associated };
        let ciphertext = XChaCha20Poly1305::new(key.into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::Sealed)?;
        let mut sealed = Vec::with_capacity(HEADER + ciphertext.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(self.kek.id_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    fn open_under(
        &self,
        key: &[u8; KEY],
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (header, ciphertext) = sealed.split_at_checked(HEADER).ok_or(Error::Sealed)?;
        if header[0] != FORMAT {
            return Err(Error::Format(header[0]));
        }
        let (key_id, nonce) = header[1..].split_at(KEY_ID);
        if key_id != self.kek.id_bytes() {
            let found = hex::encode(key_id);
            return Err(Error::OtherKey { found, held: self.kek.id() });
        }
        let nonce = <[u8; NONCE]>::try_from(nonce).map_err(|_| Error::Sealed)?;
        let payload = Payload { msg: ciphertext, aad: associated };
        XChaCha20Poly1305::new(key.into())
            .decrypt(&XNonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| Error::Sealed)
    }
}

// === impl SealContext ===

impl SealContext {
    /// The associated data. UUIDs have one length and the version comes last, so no two places share these bytes.
    fn bytes(&self) -> String {
        format!("credential|{}|{}|{}", self.tenant.uuid(), self.credential.uuid(), self.version)
    }
}

fn tenant_context(tenant: TenantId) -> String {
    format!("data-key|{}", tenant.uuid())
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

    fn vault() -> (tempfile::TempDir, Vault) {
        let directory = tempfile::tempdir().expect("directory");
        let kek = Kek::load_or_create(&directory.path().join("key")).expect("key");
        (directory, Vault::new(kek))
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
        let (_directory, vault) = vault();
        let here = place();
        let key = vault.new_data_key(here.tenant).expect("data key");
        let sealed = vault.seal(&key, &here, b"hunter2").expect("sealed");
        assert_eq!(vault.open(&key, &here, &sealed).expect("opened").expose(), b"hunter2");

        let elsewhere = [
            SealContext { tenant: TenantId::generate(), ..here },
            SealContext { credential: CredentialId::generate(), ..here },
            SealContext { version: 2, ..here },
        ];
        for other in elsewhere {
            assert!(vault.open(&key, &other, &sealed).is_err(), "{other:?}");
        }
    }

    #[test]
    fn data_key_of_another_organisation_does_not_unwrap() {
        let (_directory, vault) = vault();
        let (here, there) = (place(), place());
        let their_key = vault.new_data_key(there.tenant).expect("data key");
        assert!(matches!(vault.seal(&their_key, &here, b"x"), Err(Error::Sealed)));
    }

    #[test]
    fn bytes_of_another_key_say_so() {
        let ((_a, first), (_b, second)) = (vault(), vault());
        let here = place();
        let key = first.new_data_key(here.tenant).expect("data key");
        assert!(matches!(second.seal(&key, &here, b"x"), Err(Error::OtherKey { .. })));
    }

    #[test]
    fn derived_keys_differ_by_purpose_and_are_stable() {
        let (_directory, vault) = vault();
        assert_eq!(vault.derive("a"), vault.derive("a"));
        assert_ne!(vault.derive("a"), vault.derive("b"));
    }

    #[test]
    fn no_derived_key_is_the_one_that_wraps() {
        let (_directory, vault) = vault();
        assert_ne!(vault.derive(WRAP), vault.expand(&[WRAP]));
    }

    #[test]
    fn truncated_and_foreign_bytes_do_not_open() {
        let (_directory, vault) = vault();
        let here = place();
        let key = vault.new_data_key(here.tenant).expect("data key");
        let sealed = vault.seal(&key, &here, b"secret").expect("sealed");
        for length in 0..sealed.len() {
            assert!(vault.open(&key, &here, &sealed[..length]).is_err(), "{length} bytes");
        }
        assert!(vault.open(&key, &here, b"hunter2, never sealed").is_err());
        assert!(vault.open(&WrappedDataKey(Vec::new()), &here, &sealed).is_err());
    }

    #[test]
    fn same_secret_is_sealed_to_other_bytes_each_time() {
        let (_directory, vault) = vault();
        let here = place();
        let key = vault.new_data_key(here.tenant).expect("data key");
        let seal = || vault.seal(&key, &here, b"secret").expect("sealed");
        assert_ne!(seal(), seal());
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
        fn any_secret_comes_back_at_any_place(place in any_place(), secret: Vec<u8>) {
            let (_directory, vault) = vault();
            let key = vault.new_data_key(place.tenant).expect("data key");
            let sealed = vault.seal(&key, &place, &secret).expect("sealed");
            let opened = vault.open(&key, &place, &sealed).expect("opened");
            prop_assert_eq!(opened.expose(), secret.as_slice());
        }

        #[test]
        fn no_two_places_share_a_secret(here in any_place(), there in any_place(), secret: Vec<u8>) {
            prop_assume!(here != there);
            let (_directory, vault) = vault();
            let keys = [here, there].map(|place| vault.new_data_key(place.tenant).expect("data key"));
            let sealed = vault.seal(&keys[0], &here, &secret).expect("sealed");
            for key in &keys {
                prop_assert!(vault.open(key, &there, &sealed).is_err());
            }
        }

        #[test]
        fn any_flipped_bit_keeps_it_shut(secret in proptest::collection::vec(any::<u8>(), 0..64), bit in any::<prop::sample::Index>()) {
            let (_directory, vault) = vault();
            let here = place();
            let key = vault.new_data_key(here.tenant).expect("data key");
            let mut sealed = vault.seal(&key, &here, &secret).expect("sealed");
            let bit = bit.index(sealed.len() * 8);
            sealed[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(vault.open(&key, &here, &sealed).is_err());
        }

        #[test]
        fn data_key_with_a_flipped_bit_does_not_unwrap(bit in any::<prop::sample::Index>()) {
            let (_directory, vault) = vault();
            let here = place();
            let mut key = vault.new_data_key(here.tenant).expect("data key");
            let bit = bit.index(key.0.len() * 8);
            key.0[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(vault.seal(&key, &here, b"x").is_err());
        }
    }
}
