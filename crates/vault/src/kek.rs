//! The key-encryption key: read once, kept zeroized, never printed.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::{Config, Error};

/// Length of every key in bytes.
pub(crate) const KEY: usize = 32;
/// Bytes by which a key is named in sealed bytes.
pub(crate) const KEY_ID: usize = 8;

/// The key under which data keys are wrapped.
pub struct Kek {
    key: Zeroizing<[u8; KEY]>,
    id: [u8; KEY_ID],
}

// === impl Kek ===

impl Kek {
    /// Reads the key that the configuration names.
    ///
    /// # Errors
    /// No key or two keys configured, a file that others can read, bytes that are no key.
    pub fn load(config: &Config) -> Result<Self, Error> {
        match (&config.key_file, &config.key) {
            (Some(path), None) => Self::read(path),
            (None, Some(key)) => Self::decode(key.expose_secret()),
            (None, None) => Err(Error::NoKey),
            (Some(_), Some(_)) => Err(Error::TwoKeys),
        }
    }

    /// Reads the key file, or makes it (mode 0600) with a fresh key when it does not exist.
    ///
    /// # Errors
    /// As [`Kek::load`]; also when the file cannot be made.
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        match Self::create(path) {
            Err(Error::File { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {
                Self::read(path)
            }
            made => made,
        }
    }

    /// Name of the key: a hash, so that two processes can find out that they hold different ones.
    pub fn id(&self) -> String {
        self.id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn id_bytes(&self) -> &[u8; KEY_ID] {
        &self.id
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY] {
        &self.key
    }

    fn create(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let mut key = Zeroizing::new([0; KEY]);
        getrandom::fill(key.as_mut_slice()).map_err(|_| Error::Random)?;
        // The complete file appears at once: a crash leaves no half-written key behind.
        let next = path.with_extension("key.next");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&next)
            .map_err(failed)?;
        let text = Zeroizing::new(STANDARD.encode(key.as_slice()) + "\n");
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        let linked = std::fs::hard_link(&next, path);
        std::fs::remove_file(&next).map_err(failed)?;
        linked.map_err(failed)?;
        Ok(Self::new(key))
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(Error::Permissions { path: path.to_owned() });
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(failed)?;
        Self::decode(&text)
    }

    fn decode(text: &str) -> Result<Self, Error> {
        let mut bytes = STANDARD.decode(text.trim()).map_err(|_| Error::KeyFormat)?;
        let key = <[u8; KEY]>::try_from(bytes.as_slice()).map(Zeroizing::new);
        bytes.zeroize();
        key.map(Self::new).map_err(|_| Error::KeyFormat)
    }

    fn new(key: Zeroizing<[u8; KEY]>) -> Self {
        let digest = Sha256::new().chain_update(b"patchbay key id").chain_update(*key).finalize();
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&digest[..KEY_ID]);
        Self { key, id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_start_makes_a_private_file_and_the_second_reads_the_same_key() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("vault.key");
        let made = Kek::load_or_create(&path).expect("made");
        let mode = std::fs::metadata(&path).expect("file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let read = Kek::load_or_create(&path).expect("read");
        assert_eq!(made.bytes(), read.bytes());
        assert_eq!(made.id(), read.id());
    }

    #[test]
    fn key_file_that_others_can_read_is_refused_with_the_command_to_run() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("vault.key");
        Kek::load_or_create(&path).expect("made");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("chmod");
        let error = Kek::load_or_create(&path).err().expect("refused").to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn there_is_no_default_key() {
        assert!(matches!(Kek::load(&Config::default()), Err(Error::NoKey)));
    }
}
