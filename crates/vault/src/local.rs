//! Wrapping by the key-encryption key of this machine, from a file or the environment; earlier ones still open.

use domain::TenantId;
use zeroize::Zeroizing;

use crate::{
    Config, Error, Kek, WrappedDataKey,
    cipher::{self, NONCE},
    kek::{KEY, KEY_ID},
};

/// Wrapped here: format (1) | key id (8) | nonce (24) | ciphertext and tag.
const FORMAT: u8 = 1;
const HEADER: usize = 1 + KEY_ID + NONCE;

/// The key that wraps now, and those that only open.
pub(crate) struct Local {
    current: Kek,
    previous: Vec<Kek>,
}

// === impl Local ===

impl Local {
    pub(crate) fn load(config: &Config) -> Result<Self, Error> {
        let previous = config.previous_key_files.iter().map(|path| Kek::read(path));
        Ok(Self { current: Kek::load(config)?, previous: previous.collect::<Result<_, _>>()? })
    }

    pub(crate) const fn of(current: Kek) -> Self {
        Self { current, previous: Vec::new() }
    }

    pub(crate) fn id(&self) -> String {
        self.current.id()
    }

    pub(crate) const fn current(&self) -> &Kek {
        &self.current
    }

    pub(crate) fn wrap(&self, tenant: TenantId, key: &[u8; KEY]) -> Result<WrappedDataKey, Error> {
        let (nonce, ciphertext) =
            cipher::seal(&self.current.wrapping(), context(tenant).as_bytes(), key)?;
        let mut wrapped = Vec::with_capacity(HEADER + ciphertext.len());
        wrapped.push(FORMAT);
        wrapped.extend_from_slice(self.current.id_bytes());
        wrapped.extend_from_slice(&nonce);
        wrapped.extend_from_slice(&ciphertext);
        Ok(WrappedDataKey(wrapped))
    }

    pub(crate) fn unwrap(
        &self,
        tenant: TenantId,
        wrapped: &WrappedDataKey,
    ) -> Result<Zeroizing<[u8; KEY]>, Error> {
        let (header, ciphertext) = wrapped.0.split_at_checked(HEADER).ok_or(Error::Sealed)?;
        if header[0] != FORMAT {
            return Err(Error::Format(header[0]));
        }
        let (id, nonce) = header[1..].split_at(KEY_ID);
        let kek = self.holding(id)?;
        let opened = cipher::open(&kek.wrapping(), context(tenant).as_bytes(), nonce, ciphertext)?;
        <[u8; KEY]>::try_from(opened.as_slice()).map(Zeroizing::new).map_err(|_| Error::Sealed)
    }

    fn holding(&self, id: &[u8]) -> Result<&Kek, Error> {
        let mut keys = std::iter::once(&self.current).chain(&self.previous);
        keys.find(|kek| kek.id_bytes() == id)
            .ok_or_else(|| Error::OtherKey { found: hex::encode(id), held: self.id() })
    }
}

fn context(tenant: TenantId) -> String {
    format!("data-key|{}", tenant.uuid())
}
