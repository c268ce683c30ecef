//! The audit log as a chain: each entry holds the hash of the one before it, and signed checkpoints fix what the end of the
//! chain was. So a change of any entry, a missing one, two that changed places and a cut-off end are found by whoever holds
//! the public key. How to verify by other means is in `docs/audit.md`.

mod checkpoint;
mod settings;
mod verify;

use std::{fmt, str::FromStr};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use checkpoint::{Checkpoint, NoPublicKey, PublicKey, Signer, Statement};
pub use settings::{AuditSettings, Overload};
pub use verify::{Broken, Chain, ExportLine, Report};

use crate::{AuditId, TenantId};

/// Version of the canonical form of an entry. It is part of what is hashed.
const SCHEMA: u32 = 1;

/// How an audited operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    Succeeded,
    Denied,
    Failed,
}

/// SHA-256 of an entry and everything before it. Lower-case hex outside.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

/// The text is not 64 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a SHA-256 in hex")]
pub struct NoHash;

/// Where an entry stands in its organisation's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// 1 for the first entry of the organisation; without gaps.
    pub seq: i64,
    /// Hash of the entry before; zeros for the first.
    pub prev: ChainHash,
    /// SHA-256 of `prev` (32 bytes) followed by the canonical form of the entry.
    pub hash: ChainHash,
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEvent {
    pub id: AuditId,
    pub tenant: TenantId,
    pub at: DateTime<Utc>,
    /// [`crate::Principal`] in its text form.
    pub actor: String,
    /// `noun.verb`, for instance `install.create` or `mcp.tools.call`.
    pub action: String,
    /// Global id or name of what was acted on.
    pub target: Option<String>,
    pub outcome: AuditOutcome,
    pub request_id: String,
    /// Further facts; never results or secrets, and arguments only where the organisation asked for them.
    pub detail: Value,
    #[serde(flatten)]
    pub link: Link,
}

/// What an entry is hashed as: RFC 8785 sorts the members and fixes the form of numbers and strings.
#[derive(Serialize)]
struct Canonical<'e> {
    schema: u32,
    seq: i64,
    id: AuditId,
    tenant: TenantId,
    at: String,
    actor: &'e str,
    action: &'e str,
    target: Option<&'e str>,
    outcome: AuditOutcome,
    request_id: &'e str,
    detail: &'e Value,
}

// === impl AuditOutcome ===

impl AuditOutcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            AuditOutcome::Succeeded => "succeeded",
            AuditOutcome::Denied => "denied",
            AuditOutcome::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Succeeded, Self::Denied, Self::Failed].into_iter().find(|o| o.as_str() == text)
    }
}

// === impl ChainHash ===

impl ChainHash {
    /// What the first entry of an organisation follows.
    pub const GENESIS: ChainHash = ChainHash([0; 32]);

    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ChainHash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NoHash)?;
        Ok(Self(bytes))
    }
}

impl Serialize for ChainHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ChainHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

// === impl Link ===

impl Link {
    /// The end of a chain without entries.
    pub const GENESIS: Link = Link { seq: 0, prev: ChainHash::GENESIS, hash: ChainHash::GENESIS };
}

// === impl AuditEvent ===

impl AuditEvent {
    /// Puts the entry after the end of the chain. What is hashed is what is in the entry now.
    #[must_use]
    pub fn after(mut self, end: Link) -> Self {
        self.link = Link { seq: end.seq + 1, prev: end.hash, hash: ChainHash::GENESIS };
        self.link.hash = self.computed_hash();
        self
    }

    /// The hash that the entry must have.
    pub fn computed_hash(&self) -> ChainHash {
        let canonical = Canonical {
            schema: SCHEMA,
            seq: self.link.seq,
            id: self.id,
            tenant: self.tenant,
            at: self.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            actor: &self.actor,
            action: &self.action,
            target: self.target.as_deref(),
            outcome: self.outcome,
            request_id: &self.request_id,
            detail: &self.detail,
        };
        let text = canonical_json(&canonical);
        ChainHash(Sha256::new().chain_update(self.link.prev.0).chain_update(text).finalize().into())
    }
}

/// JSON by RFC 8785.
fn canonical_json(value: &impl Serialize) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value)
        .expect("only texts, finite numbers, lists and objects with text keys are given here")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn entry() -> AuditEvent {
        AuditEvent {
            id: AuditId::from_uuid(Uuid::from_u128(1)),
            tenant: TenantId::from_uuid(Uuid::from_u128(2)),
            at: DateTime::from_timestamp(1_800_000_000, 1_000).expect("a time"),
            actor: "user:x".to_owned(),
            action: "install.create".to_owned(),
            target: None,
            outcome: AuditOutcome::Succeeded,
            request_id: "r".to_owned(),
            detail: json!({ "b": 1, "a": 0.5 }),
            link: Link::GENESIS,
        }
    }

    /// The form is written down in `docs/audit.md`: others compute it too, so it never changes by itself.
    #[test]
    fn canonical_form_is_the_documented_one() {
        let linked = entry().after(Link::GENESIS);
        let documented = concat!(
            r#"{"action":"install.create","actor":"user:x","at":"2027-01-15T08:00:00.000001Z","#,
            r#""detail":{"a":0.5,"b":1},"id":"audit:00000000-0000-0000-0000-000000000001","#,
            r#""outcome":"succeeded","request_id":"r","schema":1,"seq":1,"target":null,"#,
            r#""tenant":"tenant:00000000-0000-0000-0000-000000000002"}"#
        );
        let expected = Sha256::new().chain_update([0; 32]).chain_update(documented).finalize();
        assert_eq!(linked.link.hash.bytes()[..], expected[..]);
    }

    #[test]
    fn number_has_one_form_however_a_database_writes_it() {
        let hash = |number: Value| AuditEvent { detail: number, ..entry() }.computed_hash();
        let big: Value = serde_json::from_str("10000000000000000").expect("a number");
        assert_eq!(hash(json!(1e16)), hash(big));
        assert_eq!(hash(json!(3.0)), hash(json!(3)));
    }

    #[test]
    fn entry_survives_its_line_in_an_export() {
        let event = entry().after(Link::GENESIS);
        let line = serde_json::to_string(&event).expect("JSON");
        let read: AuditEvent = serde_json::from_str(&line).expect("an entry");
        assert_eq!(read, event);
        assert_eq!(read.computed_hash(), event.link.hash);
    }
}
