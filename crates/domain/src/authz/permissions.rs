//! What can be permitted: one list, from which come the names, the types and the sets.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A permission as a type, so that a signature can ask for it.
pub trait Permission: 'static {
    /// Its name in the matrix.
    const NAME: PermissionName;
}

/// Writes the list of permissions as an enum of names, as the list of all and as one type each.
macro_rules! permissions {
    ($($(#[doc = $meaning:literal])* $name:ident $word:literal,)*) => {
        /// What a grant is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum PermissionName {
            $($(#[doc = $meaning])* $name,)*
        }

        impl PermissionName {
            /// Every permission, in the order of the golden matrix.
            pub const ALL: &[PermissionName] = &[$(PermissionName::$name,)*];

            /// The stored and shown word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(PermissionName::$name => $word,)*
                }
            }

            /// What it means, for whoever makes a role.
            pub const fn description(self) -> &'static str {
                match self {
                    $(PermissionName::$name => concat!($($meaning),*).trim_ascii(),)*
                }
            }
        }

        /// Permissions as types: never constructed.
        pub mod permission {
            use super::{Permission, PermissionName};

            $(
                $(#[doc = $meaning])*
                pub enum $name {}
                impl Permission for $name {
                    const NAME: PermissionName = PermissionName::$name;
                }
            )*
        }
    };
}

permissions! {
    /// May see the organisation itself.
    TenantRead "tenant.read",
    /// May change the organisation.
    TenantWrite "tenant.write",
    /// May delete the organisation, or take everything out of it.
    TenantDelete "tenant.delete",
    /// May see members, groups, roles and service accounts.
    MemberRead "member.read",
    /// May invite, change and remove members, groups, roles and service accounts.
    MemberWrite "member.write",
    /// May see how the organisation signs in: connections, domains, provisioning.
    IdentityRead "identity.read",
    /// May change how the organisation signs in.
    IdentityWrite "identity.write",
    /// May see the marketplace.
    ConnectorRead "connector.read",
    /// May see installs and their runs.
    InstallRead "install.read",
    /// May install, configure and remove connectors.
    InstallWrite "install.write",
    /// May give a credential (never read one back).
    CredentialWrite "credential.write",
    /// May open a sealed credential: the system at call and sync time.
    CredentialOpen "credential.open",
    /// May start and cancel syncs.
    SyncRun "sync.run",
    /// May search and read synced records.
    RecordRead "record.read",
    /// May write records: the system while syncing.
    RecordWrite "record.write",
    /// May see endpoints.
    EndpointRead "endpoint.read",
    /// May change endpoints.
    EndpointWrite "endpoint.write",
    /// May see API keys (never their text).
    ApiKeyRead "api_key.read",
    /// May create and revoke API keys.
    ApiKeyWrite "api_key.write",
    /// May see the policies over tools and records, and ask what they decide.
    PolicyRead "policy.read",
    /// May change the policies over tools and records.
    PolicyWrite "policy.write",
    /// May approve or refuse a call that a policy holds back.
    ApprovalDecide "approval.decide",
    /// May read and export the audit log.
    AuditRead "audit.read",
    /// May append to the audit log: the system.
    AuditWrite "audit.write",
    /// May see webhooks and their deliveries.
    WebhookRead "webhook.read",
    /// May change webhooks and replay deliveries.
    WebhookWrite "webhook.write",
    /// May see usage, plan and limits.
    UsageRead "usage.read",
    /// May count usage and set plans: the system.
    UsageWrite "usage.write",
    /// May rotate the organisation's keys.
    KeyRotate "key.rotate",
    /// May use the MCP endpoint.
    McpUse "mcp.use",
}

/// Some permissions. Stored and shown as the list of their words.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PermissionSet(u64);

/// The text names no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no permission `{0}`")]
pub struct UnknownPermission(pub String);

// === impl PermissionName ===

impl PermissionName {
    /// What only Patchbay itself does: no role, custom role or key can hold it.
    pub const SYSTEM: PermissionSet = PermissionSet::of(&[
        PermissionName::CredentialOpen,
        PermissionName::RecordWrite,
        PermissionName::AuditWrite,
        PermissionName::UsageWrite,
    ]);

    /// What is an owner's alone: no custom role can hold it.
    pub const OWNERS: PermissionSet = PermissionSet::of(&[PermissionName::TenantDelete]);

    /// Reads the stored word.
    ///
    /// # Errors
    /// [`UnknownPermission`].
    pub fn parse(text: &str) -> Result<Self, UnknownPermission> {
        let found = Self::ALL.iter().copied().find(|name| name.as_str() == text);
        found.ok_or_else(|| UnknownPermission(text.to_owned()))
    }

    const fn bit(self) -> u64 {
        1 << (self as u64)
    }
}

impl fmt::Display for PermissionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for PermissionName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for PermissionName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

// === impl PermissionSet ===

impl PermissionSet {
    pub const EMPTY: PermissionSet = PermissionSet(0);

    /// These.
    pub const fn of(names: &[PermissionName]) -> Self {
        let mut bits = 0;
        let mut next = 0;
        while next < names.len() {
            bits |= names[next].bit();
            next += 1;
        }
        Self(bits)
    }

    /// Every permission that somebody can be given.
    pub const fn all() -> Self {
        Self::of(PermissionName::ALL).without(PermissionName::SYSTEM)
    }

    /// Every permission that a custom role can hold.
    pub const fn custom() -> Self {
        Self::all().without(PermissionName::OWNERS)
    }

    pub const fn contains(self, name: PermissionName) -> bool {
        self.0 & name.bit() != 0
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether `other` holds all of these.
    pub const fn is_within(self, other: Self) -> bool {
        self.without(other).0 == 0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In the order of the list.
    pub fn iter(self) -> impl Iterator<Item = PermissionName> {
        PermissionName::ALL.iter().copied().filter(move |name| self.contains(*name))
    }
}

impl FromIterator<PermissionName> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = PermissionName>>(names: I) -> Self {
        names.into_iter().fold(Self::EMPTY, |set, name| set.union(Self(name.bit())))
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for PermissionSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for PermissionSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<PermissionName>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_fits_into_a_set() {
        assert!(PermissionName::ALL.len() <= 64);
        let all: PermissionSet = PermissionName::ALL.iter().copied().collect();
        assert_eq!(all.iter().count(), PermissionName::ALL.len());
    }

    #[test]
    fn set_is_kept_as_the_list_of_its_words() {
        let set = PermissionSet::of(&[PermissionName::McpUse, PermissionName::TenantRead]);
        let text = serde_json::to_string(&set).expect("JSON");
        assert_eq!(text, r#"["tenant.read","mcp.use"]"#);
        assert_eq!(serde_json::from_str::<PermissionSet>(&text).expect("a set"), set);
        assert!(serde_json::from_str::<PermissionSet>(r#"["tenant.fly"]"#).is_err());
    }

    #[test]
    fn nobody_can_be_given_what_only_the_system_does() {
        assert!(PermissionSet::all().intersection(PermissionName::SYSTEM).is_empty());
    }
}
