//! The verbs of Patchbay: every use-case once, as `impl Control` in the file of its noun.
//!
//! A mutation is always the same walk: require -> validate -> one transaction (change, job, audit) -> commit -> ring and signal.
//! Doors translate to and from this crate and decide nothing; what they need from below is re-exported here.

mod access;
mod api_keys;
mod approvals;
mod audit;
mod audit_actions;
mod audit_chain;
mod audit_export;
mod audit_settings;
mod clock;
mod config;
mod credentials;
mod domains;
mod endpoints;
mod error;
mod explain;
mod groups;
mod health;
mod housekeeping;
mod install_form;
mod installs;
mod invitations;
mod jobs;
mod journal;
mod keys;
mod login;
mod marketplace;
mod members;
mod oauth;
mod permits;
mod policies;
mod records;
mod roles;
mod routes;
mod schedule;
pub mod scim;
mod sessions;
mod sso;
mod standing;
mod sync_end;
mod sync_engine;
mod sync_page;
mod sync_work;
mod syncs;
mod tenants;
mod tools;
mod upstream;
mod watch;
mod webhooks;

use std::{sync::Arc, time::Duration};

use backplane::{Cache, Queue, Signal};
use chrono::{DateTime, Utc};
use domain::{JobId, event::Event};
use egress::Egress;
use store::Store;
use telemetry::Metrics;
use vault::Vault;

pub use api_keys::{CreateApiKey, CreatedApiKey};
pub use approvals::{Gate, HeldCall};
pub use audit::{Action, AuditFilter, CallAudit};
pub use audit_chain::{AuditRound, Verified};
pub use audit_export::ExportStream;
pub use authserver::{
    Code as OauthCode, Error as OauthError, Form as OauthForm, Issuer, PROTECTED_RESOURCE_PATH,
    Place, Request as AuthorizationRequest, Scope as OauthScope,
};
pub use clock::Clock;
pub use config::Config;
pub use connector_sdk::{
    CheckItem, CheckReport, Connector, Manifest, OperatorPolicy, StreamManifest, ToolManifest,
    ToolOutput,
};
pub use credentials::SecretJson;
pub use error::{BoxError, Error, UpstreamKind};
pub use explain::{About, Explain, Explanation, SimulatedChange, Simulation};
pub use health::Health;
pub use housekeeping::Housekeeping;
pub use installs::{CheckConnection, InstallConnector, Installed, UpdateInstall};
pub use invitations::{InviteMember, SentInvitation};
pub use journal::CallSlot;
pub use keys::{KeyRing, Rewrapped};
pub use login::{SignedIn, TokenCaller, TokenRefusal};
pub use members::{TransferOwnership, UpdateMember};
pub use oauth::{Asked, Refusal as OauthRefusal, Tokens};
pub use permits::{Permits, tool_effect};
pub use policies::{PolicyVersion, SavePolicy};
pub use policy::{
    Compiled as Policies, Decision, Fault as PolicyFault, Faults as PolicyFaults, GUARD_RAILS,
    Grantees, Rule as PolicyRule, SCHEMA as POLICY_SCHEMA, Setting as PolicySetting,
    Source as PolicySource, SourceBody as PolicyBody, ToolEffect,
};
pub use records::SearchRecords;
pub use roles::{CreateRole, RoleInUse, UpdateRole};
pub use routes::TenantRoutes;
pub use sessions::Switched;
pub use sso::{
    Answer, Begun, Browser, CALLBACK, CreateSsoConnection, Finished, FoundProviders,
    InvitationOffer, InvitationWay, SignUp, SignUpConfig, SignUpProvider, UpdateSsoConnection,
    redirect_uri,
};
pub use tenants::{SetUp, SetUpDone, Viewer};
pub use watch::{EventStream, RunStream};
pub use webhooks::{CreateWebhook, CreatedWebhook, UpdateWebhook, event_types};

/// What the control plane is made of.
pub struct Parts {
    pub store: Store,
    pub vault: Vault,
    pub queue: Queue,
    pub cache: Cache,
    pub signal: Signal,
    pub egress: Egress,
    /// The connectors of the marketplace, in the order in which they are shown.
    pub registry: &'static [&'static dyn Connector],
    /// What the operator lets connectors reach.
    pub operator: Arc<OperatorPolicy>,
    pub clock: Clock,
    pub metrics: Metrics,
    pub config: Config,
}

/// The control plane. Cheap to clone: clones are the same one.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    parts: Parts,
    /// Key of the CSRF tokens.
    csrf_key: [u8; 32],
    /// Key of nonces and PKCE verifiers.
    sso_key: [u8; 32],
    /// Keys of the access tokens.
    token_keys: authserver::Keys,
    /// Access tokens that were checked lately, by their hash.
    access_tokens: login::AccessTokens,
    client_documents: oauth::Documents,
    registrations: oauth::Registrations,
    /// Identity providers that were asked lately.
    providers: sso::Providers,
    journal: journal::Journal,
    targets: tools::Targets,
    versions: routes::Versions,
    policies: policies::Kept,
    /// Jobs that this process has rung for and not seen claimed. A ring that got lost is repeated when its entry ends.
    rung: moka::sync::Cache<JobId, ()>,
}

// === impl Control ===

impl Control {
    /// Puts the parts together. Must be called inside a tokio runtime: the audit log of MCP calls is written by a task.
    pub fn new(parts: Parts) -> Self {
        let csrf_key = *parts.vault.derive("csrf");
        let sso_key = *parts.vault.derive("sso");
        let token_keys = authserver::Keys::new(*parts.vault.derive("access-tokens"));
        let providers = sso::providers();
        let journal = journal::Journal::start(
            parts.store.clone(),
            parts.metrics.clone(),
            parts.clock.clone(),
            parts.config.audit_buffer,
        );
        let targets = tools::Targets::new(parts.clock.clone());
        let versions = routes::Versions::default();
        let policies = policies::Kept::new();
        let ring_again = Duration::from_millis(parts.config.ring_again_milliseconds.into());
        let rung =
            moka::sync::Cache::builder().max_capacity(100_000).time_to_live(ring_again).build();
        Self(Arc::new(Inner {
            parts,
            csrf_key,
            sso_key,
            token_keys,
            access_tokens: login::access_tokens(),
            client_documents: oauth::documents(),
            registrations: oauth::registrations(),
            providers,
            journal,
            targets,
            versions,
            policies,
            rung,
        }))
    }

    /// The clock of this control plane.
    pub fn clock(&self) -> &Clock {
        &self.0.parts.clock
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.parts.store
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.parts.config
    }

    /// The time by this control plane's clock: doors date by it too, so that one mock moves everything.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.parts.clock.now()
    }

    /// Tells the other roles that something changed. A hint: losing one costs seconds.
    pub(crate) async fn signal(&self, event: Event) {
        if let Event::RouteChanged { tenant } = event {
            self.0.targets.forget(tenant);
        }
        self.0.parts.signal.publish(&event).await;
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Control(..)")
    }
}
