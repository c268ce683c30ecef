//! How people prove who they are: connections to identity providers, domains, identities, and sign-ins that were begun.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{DomainId, IdentityId, Role, Session, SsoConnectionId, TenantId, UserId};

/// How far a connection is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// Only its test sign-in works.
    Draft,
    /// People may sign in by it, and by the other ways too.
    Enabled,
    /// Everybody but an owner with a one-time link must sign in by it.
    Enforced,
}

/// Members of a group at the provider get this role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRole {
    pub group: String,
    pub role: Role,
}

/// A claim that an ID token must carry, with one of these values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequiredClaim {
    pub claim: String,
    pub any_of: Vec<String>,
}

/// How long a sign-in by a connection lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPolicy {
    /// Minutes without a request after which a session ends; `None` does not look at it.
    pub idle_minutes: Option<u32>,
    /// Hours after which it ends in any case.
    pub absolute_hours: u32,
}

/// What an admin decides about a connection, apart from its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// For people: on buttons and in lists.
    pub name: String,
    /// Issuer identifier, exactly as the provider's discovery document and tokens say it.
    pub issuer: String,
    pub client_id: String,
    pub rules: ConnectionRules,
    pub state: ConnectionState,
}

/// Who is let in by a connection, as what, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionRules {
    /// Asked for beside `openid`.
    pub scopes: Vec<String>,
    pub required_claims: Vec<RequiredClaim>,
    /// The claim with the person's groups. `None` leaves roles to the members list.
    pub group_claim: Option<String>,
    /// The highest role of any of a person's groups counts.
    pub group_roles: Vec<GroupRole>,
    /// For people in none of these groups; `None` does not let them in.
    pub default_role: Option<Role>,
    /// Whether a first sign-in makes a member.
    pub provisions: bool,
    pub session: SessionPolicy,
}

/// A way to sign in through an organisation's own identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoConnection {
    pub id: SsoConnectionId,
    pub tenant: TenantId,
    pub settings: ConnectionSettings,
    /// Whether a client secret is stored.
    pub has_secret: bool,
    /// Counts every change.
    pub version: i64,
    /// What the last test sign-in showed. Forgotten when issuer or client change.
    pub tested: Option<ConnectionTest>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The outcome of a test sign-in: nobody was signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionTest {
    pub at: DateTime<Utc>,
    /// Whether a real sign-in would have been let in, as far as the provider's part goes.
    pub passed: bool,
    /// What is missing, for the admin.
    pub problems: Vec<String>,
    /// Claims of the ID token and of the user info, as they came.
    pub claims: Value,
    /// The role that the groups give.
    pub role: Option<Role>,
}

/// A domain that an organisation claims, and has proven if `verified_at` is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    pub id: DomainId,
    pub tenant: TenantId,
    /// Lower case, in ASCII.
    pub name: String,
    /// What the TXT record must hold.
    pub token: String,
    pub created_at: DateTime<Utc>,
    pub verified_at: Option<DateTime<Utc>>,
    /// When the record was last looked for.
    pub checked_at: Option<DateTime<Utc>>,
    /// Since when it is no longer found.
    pub missing_since: Option<DateTime<Utc>>,
}

/// A person as one identity provider knows them: the account is issuer and subject, never an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub id: IdentityId,
    pub issuer: String,
    pub subject: String,
    pub user: UserId,
    pub created_at: DateTime<Utc>,
}

/// Who vouches in a sign-in: a connection of an organisation, or a provider that the operator configured.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Voucher {
    Connection(TenantId, SsoConnectionId),
    /// By its name in the settings.
    Provider(String),
}

/// What a begun sign-in is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptPurpose {
    /// To find out which provider an address belongs to.
    Discover,
    /// To start a session.
    SignIn,
    /// To make an organisation.
    SignUp,
    /// To show an admin what a connection gives.
    Test,
    /// To prove again that the same person is there.
    Reauthenticate,
}

/// How a session came to be, as far as a provider vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionProof {
    pub voucher: Voucher,
    pub issuer: String,
    pub subject: String,
    /// The provider's own session (`sid`), for logout from there.
    pub provider_session: Option<String>,
}

// === impl ConnectionState ===

impl ConnectionState {
    pub const fn as_str(self) -> &'static str {
        match self {
            ConnectionState::Draft => "draft",
            ConnectionState::Enabled => "enabled",
            ConnectionState::Enforced => "enforced",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Draft, Self::Enabled, Self::Enforced].into_iter().find(|it| it.as_str() == text)
    }
}

// === impl ConnectionRules ===

impl ConnectionRules {
    /// The role that groups give; `None` lets the person not in. Ownership is given by people alone.
    pub fn role_of(&self, groups: &[String]) -> Option<Role> {
        let given = self.group_roles.iter().filter(|entry| groups.contains(&entry.group));
        given.map(|entry| entry.role).max_by_key(|role| rank(*role)).or(self.default_role)
    }
}

/// Order of the roles by how much they hold; auditors and managers of connectors stand between members and admins.
const fn rank(role: Role) -> u8 {
    match role {
        Role::Viewer => 0,
        Role::Member => 1,
        Role::Auditor => 2,
        Role::ConnectorManager => 3,
        Role::Admin => 4,
        Role::Owner => 5,
    }
}

// === impl AttemptPurpose ===

impl AttemptPurpose {
    const ALL: [Self; 5] =
        [Self::Discover, Self::SignIn, Self::SignUp, Self::Test, Self::Reauthenticate];

    pub const fn as_str(self) -> &'static str {
        match self {
            AttemptPurpose::Discover => "discover",
            AttemptPurpose::SignIn => "sign_in",
            AttemptPurpose::SignUp => "sign_up",
            AttemptPurpose::Test => "test",
            AttemptPurpose::Reauthenticate => "reauthenticate",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

// === impl Domain ===

impl Domain {
    /// Name of the TXT record that proves it.
    pub fn record_name(&self) -> String {
        format!("_patchbay.{}", self.name)
    }

    /// What the record must say.
    pub fn record_value(&self) -> String {
        format!("patchbay-domain-verification={}", self.token)
    }
}

impl fmt::Display for Voucher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Voucher::Connection(_, id) => write!(f, "{id}"),
            Voucher::Provider(name) => write!(f, "provider:{name}"),
        }
    }
}

// === impl Session ===

impl Session {
    /// Whether it can still be used.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        let idle_out = self
            .idle_seconds
            .is_some_and(|seconds| (now - self.last_seen_at).num_seconds() >= seconds);
        self.revoked_at.is_none() && self.expires_at > now && !idle_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(default_role: Option<Role>) -> ConnectionRules {
        let entry = |group: &str, role| GroupRole { group: group.to_owned(), role };
        ConnectionRules {
            scopes: Vec::new(),
            required_claims: Vec::new(),
            group_claim: Some("groups".to_owned()),
            group_roles: vec![entry("staff", Role::Member), entry("it", Role::Admin)],
            default_role,
            provisions: true,
            session: SessionPolicy { idle_minutes: None, absolute_hours: 12 },
        }
    }

    #[test]
    fn highest_role_of_any_group_counts_and_strangers_get_the_default() {
        let groups = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let open = rules(Some(Role::Viewer));
        assert_eq!(open.role_of(&groups(&["it", "staff"])), Some(Role::Admin));
        assert_eq!(open.role_of(&groups(&["guests"])), Some(Role::Viewer));
        assert_eq!(rules(None).role_of(&groups(&["guests"])), None);
    }
}
