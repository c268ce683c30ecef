//! The vault: secrets sealed under a data key of their own organisation, which is sealed under the key-encryption key.
//!
//! No database: the store keeps the bytes, this crate gives them meaning. There is no default key and no mode that does not
//! encrypt. What is opened is zeroized when dropped and cannot be printed. Sealing and opening never wait; unwrapping a data key
//! may ask a key service, and what it answered is kept in memory for a while.

mod cipher;
mod kek;
mod kms;
mod local;
mod remote;
mod seal;
mod transit;
mod vault;
mod wrap;

use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

pub use kek::Kek;
pub use kms::KmsConfig;
pub use seal::{DataKey, Opened, SealContext, WrappedDataKey, header, key_version};
pub use transit::TransitConfig;
pub use vault::Vault;

/// Who wraps the data keys that are made or wrapped again from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderName {
    /// The key of this machine: `vault.key_file` or `vault.key`.
    #[default]
    Local,
    /// `vault.kms`.
    AwsKms,
    /// `vault.transit`.
    Transit,
}

/// Where the key-encryption key comes from. The local key, exactly one of `key_file` and `key`, is there with every provider: keys
/// that seal no credential (CSRF, cache) are derived from it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// File with the key, readable by its owner only (mode 0600). Env: `PATCHBAY__VAULT__KEY_FILE`
    pub key_file: Option<PathBuf>,
    /// The key itself: 32 random bytes in base64. Prefer the file. Env: `PATCHBAY__VAULT__KEY`
    #[serde(serialize_with = "hidden")]
    #[schemars(with = "Option<String>")]
    pub key: Option<SecretString>,
    /// Files of earlier keys: they open what they have wrapped and wrap nothing more. Env: `PATCHBAY__VAULT__PREVIOUS_KEY_FILES`
    pub previous_key_files: Vec<PathBuf>,
    /// Who wraps data keys: `local`, `aws_kms` or `transit`. Env: `PATCHBAY__VAULT__PROVIDER`
    pub provider: ProviderName,
    /// A key of a service that speaks the AWS KMS protocol.
    pub kms: Option<KmsConfig>,
    /// A key of a `HashiCorp` Vault Transit engine.
    pub transit: Option<TransitConfig>,
}

/// Why the vault did not do what was asked. None of the messages holds key material.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no key-encryption key is configured: set `vault.key_file` to a file of 32 random bytes in base64 with mode 0600 \
         (`openssl rand -base64 32`)"
    )]
    NoKey,
    #[error("`vault.key_file` and `vault.key` are both set: keep one of them")]
    TwoKeys,
    #[error("the key file {path} cannot be read or written")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the key file {path} can be read by others: run `chmod 600 {path}`")]
    Permissions { path: PathBuf },
    #[error("the key-encryption key is not 32 bytes in base64")]
    KeyFormat,
    #[error("the system gave no randomness")]
    Random,
    #[error(
        "sealed bytes could not be opened: they are damaged, or belong elsewhere, or were sealed under another key"
    )]
    Sealed,
    #[error(
        "these bytes were sealed under the key {found}, but this process holds {held}: give it the right `vault.key_file`"
    )]
    OtherKey { found: String, held: String },
    #[error("these bytes have a format (version {0}) that this version does not know")]
    Format(u8),
    #[error("`{section}` is missing or not right, and a key that it wrapped is needed")]
    NotConfigured { section: &'static str },
    #[error("{service} could not be asked")]
    Unreachable {
        service: &'static str,
        #[source]
        source: egress::Error,
    },
    #[error("{service} refused with status {status} ({kind})")]
    Refused { service: &'static str, status: u16, kind: String },
    #[error("{service} gave an answer that cannot be read")]
    Answer { service: &'static str },
}

/// A configuration dump shows that there is a secret, never the secret.
fn shown_hidden<S: Serializer>(_: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    "<hidden>".serialize(serializer)
}

/// A configuration dump shows that there is a key, never the key.
#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn hidden<S: Serializer>(key: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    key.as_ref().map(|_| "<hidden>").serialize(serializer)
}
