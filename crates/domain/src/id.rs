//! Typed ids: a UUIDv7 with a compile-time kind and a prefix at the edge (`install:0192…`).
//!
//! A session id given where an install id is meant is a named error ([`IdError::WrongKind`]), never "not found".

use std::{cmp::Ordering, fmt, hash::Hash, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// What an id names. The prefix is part of the public id and never changes.
pub trait Kind: 'static {
    /// Lower-case noun before the colon of a global id.
    const PREFIX: &'static str;
}

/// An id of kind `K`. Ordered by creation time (UUIDv7, RFC 9562 section 5.7).
pub struct Id<K: Kind>(Uuid, PhantomData<fn() -> K>);

/// Why a text is not the id that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is an id, but of something else.
    #[error("this is the id of a {got}, but the id of a {expected} is needed here")]
    WrongKind {
        /// Prefix that the text carries.
        got: String,
        /// Prefix that was needed.
        expected: &'static str,
    },
    /// The text is no id at all.
    #[error("this is not an id; ids look like `{expected}:0192f3c4-…`")]
    Malformed {
        /// Prefix that was needed.
        expected: &'static str,
    },
}

/// Markers for [`Id`]: never constructed.
pub mod kind {
    use super::Kind;

    /// An organisation.
    pub enum Tenant {}
    /// A person.
    pub enum User {}
    /// A person's place in an organisation.
    pub enum Membership {}
    /// A signed-in browser.
    pub enum Session {}
    /// A one-time sign-in link.
    pub enum SignInLink {}
    /// A connector installed by an organisation.
    pub enum Install {}
    /// A sealed secret of an install.
    pub enum Credential {}
    /// A unit of background work.
    pub enum Job {}
    /// One run of an install's sync.
    pub enum Run {}
    /// A synced document.
    pub enum Record {}
    /// An MCP endpoint.
    pub enum Endpoint {}
    /// A key for AI clients and scripts.
    pub enum ApiKey {}
    /// An entry of the audit log.
    pub enum Audit {}
    /// Members who are given access together.
    pub enum Group {}
    /// A named set of permissions of an organisation.
    pub enum CustomRole {}
    /// That somebody has a custom role.
    pub enum RoleAssignment {}
    /// A place in an organisation that waits for somebody.
    pub enum Invitation {}
    /// A token by which an organisation's directory provisions.
    pub enum ScimToken {}
    /// A version of an organisation's policies.
    pub enum PolicySet {}
    /// A call that waits for a person.
    pub enum Approval {}
    /// A way to sign in through an organisation's own identity provider.
    pub enum SsoConnection {}
    /// A change of an organisation's data key.
    pub enum KeyRotation {}
    /// A domain of an organisation, proven or claimed.
    pub enum Domain {}
    /// A person as one identity provider knows them.
    pub enum Identity {}
    /// A sign-in that was begun.
    pub enum SignInAttempt {}
    /// An address that is told of what happens.
    pub enum Webhook {}
    /// A key that signs what is told to it.
    pub enum WebhookSecret {}
    /// One event on its way to one address.
    pub enum WebhookDelivery {}
    /// An AI client that registered itself.
    pub enum OauthClient {}
    /// Access that a person gave to an AI client.
    pub enum ClientGrant {}

    impl Kind for Tenant {
        const PREFIX: &'static str = "tenant";
    }
    impl Kind for User {
        const PREFIX: &'static str = "user";
    }
    impl Kind for Membership {
        const PREFIX: &'static str = "membership";
    }
    impl Kind for Session {
        const PREFIX: &'static str = "session";
    }
    impl Kind for SignInLink {
        const PREFIX: &'static str = "sign_in_link";
    }
    impl Kind for Install {
        const PREFIX: &'static str = "install";
    }
    impl Kind for Credential {
        const PREFIX: &'static str = "credential";
    }
    impl Kind for Job {
        const PREFIX: &'static str = "job";
    }
    impl Kind for Run {
        const PREFIX: &'static str = "run";
    }
    impl Kind for Record {
        const PREFIX: &'static str = "record";
    }
    impl Kind for Endpoint {
        const PREFIX: &'static str = "endpoint";
    }
    impl Kind for ApiKey {
        const PREFIX: &'static str = "api_key";
    }
    impl Kind for Audit {
        const PREFIX: &'static str = "audit";
    }
    impl Kind for PolicySet {
        const PREFIX: &'static str = "policy_set";
    }
    impl Kind for Approval {
        const PREFIX: &'static str = "approval";
    }
    impl Kind for Group {
        const PREFIX: &'static str = "group";
    }
    impl Kind for CustomRole {
        const PREFIX: &'static str = "role";
    }
    impl Kind for RoleAssignment {
        const PREFIX: &'static str = "role_assignment";
    }
    impl Kind for Invitation {
        const PREFIX: &'static str = "invitation";
    }
    impl Kind for ScimToken {
        const PREFIX: &'static str = "scim_token";
    }
    impl Kind for SsoConnection {
        const PREFIX: &'static str = "sso_connection";
    }
    impl Kind for Domain {
        const PREFIX: &'static str = "domain";
    }
    impl Kind for Identity {
        const PREFIX: &'static str = "identity";
    }
    impl Kind for KeyRotation {
        const PREFIX: &'static str = "key_rotation";
    }
    impl Kind for SignInAttempt {
        const PREFIX: &'static str = "sign_in_attempt";
    }
    impl Kind for Webhook {
        const PREFIX: &'static str = "webhook";
    }
    impl Kind for WebhookSecret {
        const PREFIX: &'static str = "webhook_secret";
    }
    impl Kind for WebhookDelivery {
        const PREFIX: &'static str = "webhook_delivery";
    }
    impl Kind for OauthClient {
        const PREFIX: &'static str = "oauth_client";
    }
    impl Kind for ClientGrant {
        const PREFIX: &'static str = "client_grant";
    }
}

pub type TenantId = Id<kind::Tenant>;
pub type UserId = Id<kind::User>;
pub type MembershipId = Id<kind::Membership>;
pub type SessionId = Id<kind::Session>;
pub type SignInLinkId = Id<kind::SignInLink>;
pub type InstallId = Id<kind::Install>;
pub type CredentialId = Id<kind::Credential>;
pub type JobId = Id<kind::Job>;
pub type RunId = Id<kind::Run>;
pub type RecordId = Id<kind::Record>;
pub type EndpointId = Id<kind::Endpoint>;
pub type ApiKeyId = Id<kind::ApiKey>;
pub type AuditId = Id<kind::Audit>;
pub type PolicySetId = Id<kind::PolicySet>;
pub type ApprovalId = Id<kind::Approval>;
pub type GroupId = Id<kind::Group>;
pub type CustomRoleId = Id<kind::CustomRole>;
pub type RoleAssignmentId = Id<kind::RoleAssignment>;
pub type InvitationId = Id<kind::Invitation>;
pub type ScimTokenId = Id<kind::ScimToken>;
pub type SsoConnectionId = Id<kind::SsoConnection>;
pub type KeyRotationId = Id<kind::KeyRotation>;
pub type DomainId = Id<kind::Domain>;
pub type IdentityId = Id<kind::Identity>;
pub type SignInAttemptId = Id<kind::SignInAttempt>;
pub type WebhookId = Id<kind::Webhook>;
pub type WebhookSecretId = Id<kind::WebhookSecret>;
pub type WebhookDeliveryId = Id<kind::WebhookDelivery>;
pub type OauthClientId = Id<kind::OauthClient>;
pub type ClientGrantId = Id<kind::ClientGrant>;

// === impl Id ===

impl<K: Kind> Id<K> {
    /// A fresh id, unique and ordered by time.
    pub fn generate() -> Self {
        Self::from_uuid(Uuid::now_v7())
    }

    /// Types a UUID that came from a place where only this kind is stored.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// The bare UUID, for columns.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = IdError::Malformed { expected: K::PREFIX };
        let (prefix, rest) = text.split_once(':').ok_or(malformed.clone())?;
        let uuid = Uuid::try_parse(rest).map_err(|_| malformed)?;
        if prefix != K::PREFIX {
            return Err(IdError::WrongKind { got: prefix.to_owned(), expected: K::PREFIX });
        }
        Ok(Self::from_uuid(uuid))
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", K::PREFIX, self.0)
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: Kind> Copy for Id<K> {}

impl<K: Kind> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K: Kind> Eq for Id<K> {}

impl<K: Kind> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Kind> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<K: Kind> Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_survives_its_text_form() {
        let id = InstallId::generate();
        assert_eq!(id.to_string().parse::<InstallId>(), Ok(id));
    }

    #[test]
    fn id_of_another_kind_is_named() {
        let session = SessionId::generate();
        let error = session.to_string().parse::<InstallId>().expect_err("kinds differ");
        assert_eq!(
            error.to_string(),
            "this is the id of a session, but the id of a install is needed here"
        );
    }
}
