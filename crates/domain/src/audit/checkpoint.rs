//! Signed statements about the end of a chain (Ed25519, RFC 8032).

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use super::{ChainHash, Link, canonical_json};
use crate::TenantId;

/// What a checkpoint says of the entry that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statement {
    /// It was the last one.
    Head,
    /// It and everything before it were removed because the organisation keeps entries no longer.
    Cut,
}

/// A signed statement about an organisation's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub tenant: TenantId,
    pub statement: Statement,
    pub seq: i64,
    /// Of the entry with this number.
    pub hash: ChainHash,
    pub at: DateTime<Utc>,
    /// [`PublicKey::id`].
    pub key: String,
    /// Ed25519 over the canonical JSON (RFC 8785) of the members above and `"schema": 1`, in hex.
    pub signature: String,
}

/// What verifies checkpoints. 64 hex digits outside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// What signs checkpoints. Wiped on drop; cannot be printed.
pub struct Signer(SigningKey);

/// The text is not an Ed25519 public key in hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an Ed25519 public key in hex")]
pub struct NoPublicKey;

#[derive(Serialize)]
struct Signed<'c> {
    schema: u32,
    tenant: TenantId,
    statement: Statement,
    seq: i64,
    hash: ChainHash,
    at: String,
    key: &'c str,
}

// === impl Statement ===

impl Statement {
    pub const fn as_str(self) -> &'static str {
        match self {
            Statement::Head => "head",
            Statement::Cut => "cut",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Head, Self::Cut].into_iter().find(|it| it.as_str() == text)
    }
}

// === impl Checkpoint ===

impl Checkpoint {
    /// Whether this key signed it as it is.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let mut bytes = [0; 64];
        hex::decode_to_slice(&self.signature, &mut bytes).is_ok()
            && key.0.verify_strict(&self.signed(), &Signature::from_bytes(&bytes)).is_ok()
    }

    fn signed(&self) -> Vec<u8> {
        canonical_json(&Signed {
            schema: super::SCHEMA,
            tenant: self.tenant,
            statement: self.statement,
            seq: self.seq,
            hash: self.hash,
            at: self.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            key: &self.key,
        })
    }
}

// === impl Signer ===

impl Signer {
    /// From 32 secret bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a statement about an entry.
    pub fn sign(
        &self,
        tenant: TenantId,
        statement: Statement,
        entry: Link,
        at: DateTime<Utc>,
    ) -> Checkpoint {
        let mut checkpoint = Checkpoint {
            tenant,
            statement,
            seq: entry.seq,
            hash: entry.hash,
            at,
            key: self.public_key().id(),
            signature: String::new(),
        };
        checkpoint.signature = hex::encode(self.0.sign(&checkpoint.signed()).to_bytes());
        checkpoint
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.public_key().id())
    }
}

// === impl PublicKey ===

impl PublicKey {
    /// Reads 64 hex digits.
    ///
    /// # Errors
    /// [`NoPublicKey`].
    pub fn from_hex(text: &str) -> Result<Self, NoPublicKey> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| NoPublicKey)?;
        VerifyingKey::from_bytes(&bytes).map(Self).map_err(|_| NoPublicKey)
    }

    /// As published.
    pub fn to_hex(self) -> String {
        hex::encode(self.0.as_bytes())
    }

    /// A short name: the first 16 hex digits of its SHA-256.
    pub fn id(self) -> String {
        hex::encode(&Sha256::digest(self.0.as_bytes())[..8])
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.to_hex())
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_hex(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
