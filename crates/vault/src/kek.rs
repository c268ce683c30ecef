//! The key-encryption key: read once, kept zeroized, never printed.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hkdf::Hkdf;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::{Config, Error};

/// Length of every key in bytes.
pub(crate) const KEY: usize = 32;
/// Bytes by which a key is named in sealed bytes.
pub(crate) const KEY_ID: usize = 8;
const WRAP: &str = "patchbay wrap";
const DERIVE: &str = "patchbay derive ";

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
        hex::encode(self.id)
    }

    pub(crate) fn id_bytes(&self) -> &[u8; KEY_ID] {
        &self.id
    }

    /// The key that wraps data keys. Keys for callers have a label that starts otherwise, so none of them can be this one.
    pub(crate) fn wrapping(&self) -> Zeroizing<[u8; KEY]> {
        self.expand(&[WRAP])
    }

    /// A key for one purpose (HKDF-SHA-256, RFC 5869).
    pub(crate) fn derive(&self, purpose: &str) -> Zeroizing<[u8; KEY]> {
        self.expand(&[DERIVE, purpose])
    }

    fn expand(&self, label: &[&str]) -> Zeroizing<[u8; KEY]> {
        let mut key = Zeroizing::new([0; KEY]);
        Hkdf::<Sha256>::new(None, &*self.key)
            .expand(label.concat().as_bytes(), key.as_mut_slice())
            .expect("HKDF-SHA-256 gives up to 8,160 bytes and 32 are asked for");
        key
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8; KEY] {
        &self.key
    }

    fn create(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let mut key = Zeroizing::new([0; KEY]);
        getrandom::fill(key.as_mut_slice()).map_err(|_| Error::Random)?;
        // The complete file appears at once, so a crash leaves no half-written key behind. The draft has a name of its own:
        // two processes that start together must not write into one file, or one of them would hold a key that is stored nowhere.
        let draft = draft_of(path)?;
        let written = write_draft(&draft, &key).and_then(|()| std::fs::hard_link(&draft, path));
        // A draft that was never made need not be removed.
        let _ = std::fs::remove_file(&draft);
        written.and_then(|()| sync_directory(path)).map_err(failed)?;
        Ok(Self::new(key))
    }

    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
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

/// A name beside the key file that no other process uses.
fn draft_of(path: &Path) -> Result<PathBuf, Error> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|_| Error::Random)?;
    Ok(path.with_extension(format!("{:016x}.draft", u64::from_ne_bytes(random))))
}

fn write_draft(draft: &Path, key: &[u8; KEY]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    let text = Zeroizing::new(STANDARD.encode(key) + "\n");
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Makes the new name survive a power cut: what is sealed from now on opens only with this key.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_start_makes_a_private_file_and_the_second_reads_the_same_key() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("vault.key");
        let made = Kek::load_or_create(&path).expect("made");
        let permissions = std::fs::metadata(&path).expect("file").permissions();
        assert_eq!(permissions.mode() & 0o777, 0o600);
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
    fn processes_that_start_together_hold_the_same_key() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("vault.key");
        let ids: Vec<String> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| Kek::load_or_create(&path).expect("a key").id()))
                .collect();
            starts.into_iter().map(|start| start.join().expect("no panic")).collect()
        });
        let stored = Kek::load_or_create(&path).expect("read").id();
        assert!(ids.iter().all(|id| *id == stored), "{ids:?}");
        let files = std::fs::read_dir(directory.path()).expect("directory").count();
        assert_eq!(files, 1, "no draft stays behind");
    }

    #[test]
    fn key_file_that_holds_no_key_is_refused_and_not_overwritten() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("vault.key");
        for damaged in ["", "not base64 at all!", "c2hvcnQ="] {
            std::fs::write(&path, damaged).expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("chmod");
            assert!(matches!(Kek::load_or_create(&path), Err(Error::KeyFormat)), "{damaged}");
            assert_eq!(std::fs::read_to_string(&path).expect("read"), damaged);
        }
    }

    #[test]
    fn file_and_key_given_together_are_refused() {
        let both = Config {
            key_file: Some("vault.key".into()),
            key: Some("x".into()),
            ..Config::default()
        };
        assert!(matches!(Kek::load(&both), Err(Error::TwoKeys)));
    }

    #[test]
    fn configuration_shows_no_key() {
        let config = Config { key: Some("c2VjcmV0LWtleQ==".into()), ..Config::default() };
        let dump = serde_json::to_string(&config).expect("serializable");
        assert!(!format!("{config:?} {dump}").contains("c2VjcmV0"), "{dump}");
    }

    #[test]
    fn no_derived_key_is_the_one_that_wraps() {
        let directory = tempfile::tempdir().expect("directory");
        let kek = Kek::load_or_create(&directory.path().join("vault.key")).expect("made");
        assert_ne!(kek.derive(WRAP), kek.wrapping());
        assert_ne!(kek.derive(""), kek.wrapping());
    }

    #[test]
    fn there_is_no_default_key() {
        assert!(matches!(Kek::load(&Config::default()), Err(Error::NoKey)));
    }
}
