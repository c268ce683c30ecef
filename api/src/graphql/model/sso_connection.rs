//! Ways to sign in by an organisation's own provider.

use async_graphql::{Context, Enum, ID, Json, Object, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::member::Role;
use crate::graphql::caller::Caller;

/// How far a connection is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::identity::ConnectionState")]
pub(crate) enum SsoConnectionState {
    /// Only its test sign-in works.
    Draft,
    /// People may sign in by it, and by the other ways too.
    Enabled,
    /// Everybody but an owner with a one-time link must sign in by it.
    Enforced,
}

/// Members of a group at the provider get this role.
#[derive(SimpleObject)]
pub(crate) struct GroupRole {
    group: String,
    role: Role,
}

/// A claim that an ID token must carry.
#[derive(SimpleObject)]
pub(crate) struct RequiredClaim {
    /// Its name, for instance `amr` or `acr`.
    claim: String,
    /// One of these must be its value, or among its values.
    any_of: Vec<String>,
}

pub(crate) struct SsoConnection(pub(crate) domain::SsoConnection);

pub(crate) struct SsoTest(domain::identity::ConnectionTest);

/// A way to sign in by the organisation's own provider, which speaks OpenID Connect.
#[Object(name = "SsoProvider")]
impl SsoConnection {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    async fn name(&self) -> &str {
        &self.0.settings.name
    }

    /// Issuer identifier, exactly as the provider says it.
    async fn issuer(&self) -> &str {
        &self.0.settings.issuer
    }

    async fn client_id(&self) -> &str {
        &self.0.settings.client_id
    }

    /// Whether a client secret is kept. It is never shown again.
    async fn has_client_secret(&self) -> bool {
        self.0.has_secret
    }

    /// Asked for beside `openid`.
    async fn scopes(&self) -> &[String] {
        &self.0.settings.rules.scopes
    }

    async fn required_claims(&self) -> Vec<RequiredClaim> {
        let required = self.0.settings.rules.required_claims.iter().cloned();
        required.map(|it| RequiredClaim { claim: it.claim, any_of: it.any_of }).collect()
    }

    /// The claim with a person's groups; null leaves roles to the members list.
    async fn group_claim(&self) -> Option<&str> {
        self.0.settings.rules.group_claim.as_deref()
    }

    /// The highest role of any of a person's groups counts, at each sign-in.
    async fn group_roles(&self) -> Vec<GroupRole> {
        let entries = self.0.settings.rules.group_roles.iter().cloned();
        entries.map(|it| GroupRole { group: it.group, role: it.role.into() }).collect()
    }

    /// For people in none of these groups; null does not let them in.
    async fn default_role(&self) -> Option<Role> {
        self.0.settings.rules.default_role.map(Into::into)
    }

    /// Whether a first sign-in makes a member.
    async fn provisions(&self) -> bool {
        self.0.settings.rules.provisions
    }

    /// Minutes without a request after which a session ends; null does not look at it.
    async fn idle_minutes(&self) -> Option<u32> {
        self.0.settings.rules.session.idle_minutes
    }

    /// Hours after which a session ends in any case.
    async fn session_hours(&self) -> u32 {
        self.0.settings.rules.session.absolute_hours
    }

    async fn state(&self) -> SsoConnectionState {
        self.0.settings.state.into()
    }

    /// Counts every change.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// What the provider must know as the redirect URI.
    async fn redirect_uri(&self, ctx: &Context<'_>) -> String {
        control::redirect_uri(&Caller::of(ctx).public_url, &self.0.id.uuid().to_string())
    }

    /// What the provider may know as the back-channel logout URI.
    async fn backchannel_logout_uri(&self, ctx: &Context<'_>) -> String {
        let (tenant, id) = (self.0.tenant.uuid(), self.0.id.uuid());
        format!("{}/sso/logout/{tenant}/{id}", Caller::of(ctx).public_url)
    }

    /// Where an admin's browser begins a test sign-in.
    async fn test_url(&self, ctx: &Context<'_>) -> String {
        format!("{}/sso/test/{}", Caller::of(ctx).public_url, self.0.id.uuid())
    }

    /// What the last test sign-in showed; null before the first and after a change.
    async fn last_test(&self) -> Option<SsoTest> {
        self.0.tested.clone().map(SsoTest)
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

/// The outcome of a test sign-in. Nobody was signed in by it.
#[Object]
impl SsoTest {
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// Whether the connection can be taken into use.
    async fn passed(&self) -> bool {
        self.0.passed
    }

    /// What would have kept the person out.
    async fn problems(&self) -> &[String] {
        &self.0.problems
    }

    /// Claims as they came: those of the ID token, and all with the user info.
    async fn claims(&self) -> Json<&Value> {
        Json(&self.0.claims)
    }

    /// The role that the groups give.
    async fn role(&self) -> Option<Role> {
        self.0.role.map(Into::into)
    }
}
