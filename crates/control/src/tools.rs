//! Live tools: from a permitted call to the connector's answer. What a call needs from the database is kept, sealed, for a while, so
//! that a call costs no query and tools go on answering while the database is down.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use connector_sdk::{ConnectorError, Secrets, ToolOutput};
use domain::{
    Granted, Install, InstallId, InstallStatus, OpCtx, Principal, SecretString, TenantId,
    authz::permission::{CredentialOpen, McpUse, RecordWrite},
    event::Event,
};
use policy::{Compiled, ToolEffect};
use serde_json::{Value, json};
use store::NewAudit;
use telemetry::names::span;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    Clock, Control, Error,
    access::audit_grant,
    audit::{Deed, action},
    credentials::{Purpose, SealedCredential, use_grant},
    upstream::{Failure, guarded},
};

/// How long what is known of an install is used without asking the database. A signal ends it at once; this is for a lost one.
const FRESH: TimeDelta = TimeDelta::seconds(15);
/// How long it is used while the database cannot be asked.
const STALE_MAX: Duration = Duration::from_hours(1);
/// Installs kept.
const TARGETS_MAX: u64 = 10_000;
/// The credential field that a remote MCP server's bearer token is in.
const BEARER: &str = "bearer_token";

/// What a call needs to know of an install. The credential in it is sealed.
pub(crate) struct Target {
    install: Install,
    credential: Option<SealedCredential>,
    policies: Arc<Compiled>,
    loaded_at: DateTime<Utc>,
}

/// The targets of this process.
pub(crate) struct Targets {
    known: moka::sync::Cache<(TenantId, InstallId), Arc<Target>>,
    clock: Clock,
}

// === impl Targets ===

impl Targets {
    pub(crate) fn new(clock: Clock) -> Self {
        let known = moka::sync::Cache::builder()
            .max_capacity(TARGETS_MAX)
            .time_to_live(STALE_MAX)
            .support_invalidation_closures()
            .build();
        Self { known, clock }
    }

    /// Something of the organisation changed: everything known of it is asked anew.
    pub(crate) fn forget(&self, tenant: TenantId) {
        // Fails only without support for closures, which `new` asks for.
        let _ = self.known.invalidate_entries_if(move |(owner, _), _| *owner == tenant);
    }

    fn is_fresh(&self, target: &Target) -> bool {
        self.clock.now() - target.loaded_at < FRESH
    }
}

// === impl Control ===

impl Control {
    /// Calls a tool of an install. The gateway records the call in the audit log ([`Control::record_call`]).
    ///
    /// # Errors
    /// [`Error::Denied`] below member; [`Error::NotFound`] for a tool that is not there, out of reach or not permitted;
    /// [`Error::Invalid`] for arguments that do not fit; [`Error::Upstream`]; [`Error::Limited`]. A refused credential also
    /// hides the install until it gets a new one.
    pub async fn call_tool(
        &self,
        ctx: &OpCtx,
        install: InstallId,
        tool: &str,
        arguments: &Value,
    ) -> Result<ToolOutput, Error> {
        self.require::<McpUse>(ctx, &Deed::on(action::TOOL_CALL, &install)).await?;
        let target = self.target(ctx, install).await?;
        let connector = self.connector(&target.install.connector).ok_or(Error::NotFound)?;
        let manifest = connector.manifest();
        let (Some(tools), Some(declared)) = (connector.tools(), manifest.tool(tool)) else {
            return Err(Error::NotFound);
        };
        let effect = ToolEffect::declared(declared.read_only, declared.destructive);
        self.permit_tool(ctx, &target, (tool, effect))?;
        let span = tracing::info_span!(
            "control.tools.call",
            otel.name = span::TOOL_CALL,
            connector = manifest.id,
            gen_ai.tool.name = tool,
        );
        let cancel = CancellationToken::new();
        // A caller who goes away drops this future: then the connector is told to stop, too.
        let _cancelled_on_drop = cancel.clone().drop_guard();
        let secrets = self.secrets(ctx, &target).await?;
        let cx = self.context(target.install.config.clone(), secrets, cancel);
        let limit = Duration::from_secs(self.config().tool_timeout_seconds.into());
        match guarded(limit, tools.call(&cx, tool, arguments)).instrument(span).await {
            Ok(output) => Ok(output),
            Err(failure) => Err(self.failed(ctx, &target.install, failure).await),
        }
    }

    /// The bearer token for an install's remote MCP server; `None` when none is stored.
    ///
    /// # Errors
    /// [`Error::Denied`] below member; [`Error::NotFound`] for an install that is not there, out of reach or not active.
    pub async fn remote_bearer(
        &self,
        ctx: &OpCtx,
        install: InstallId,
    ) -> Result<Option<SecretString>, Error> {
        self.require::<McpUse>(ctx, &Deed::on(action::CREDENTIAL_OPEN, &install)).await?;
        let target = self.target(ctx, install).await?;
        // What the token is used for is permitted call by call, by the gateway; here the install must be one that may be used at all.
        if !self.permits(ctx, &target.policies).some_tool_of(&target.install) {
            return Err(Error::NotFound);
        }
        let secrets = self.secrets(ctx, &target).await?;
        Ok(secrets.as_ref().and_then(|secrets| secrets.get(BEARER)).map(SecretString::from))
    }

    /// A remote MCP server refused the bearer token of an install: it is hidden until it gets a new one.
    ///
    /// # Errors
    /// [`Error::Denied`] below member, [`Error::NotFound`].
    pub async fn report_refused_bearer(
        &self,
        ctx: &OpCtx,
        install: InstallId,
    ) -> Result<(), Error> {
        self.require::<McpUse>(ctx, &Deed::on(action::INSTALL_NEEDS_REAUTH, &install)).await?;
        let target = self.target(ctx, install).await?;
        let message = "the remote server refused the token";
        self.mark_reauth(&use_grant(ctx), target.install.id, message).await
    }

    /// Hides an install until it gets a new credential.
    pub(crate) async fn mark_reauth(
        &self,
        granted: &Granted<RecordWrite>,
        install: InstallId,
        message: &str,
    ) -> Result<(), Error> {
        let tenant = granted.tenant();
        let tx = self.store().begin(granted).await?;
        tx.installs().mark_reauth(granted, install).await?;
        let auditing = audit_grant(tenant, granted.request_id());
        let deed = Deed::on(action::INSTALL_NEEDS_REAUTH, &install);
        let actor: &Principal = granted.principal();
        let entry = self.audit_by(actor, granted.request_id(), &deed).succeeded();
        let detail = json!({ "message": message });
        tx.audit().append(&auditing, NewAudit { detail, ..entry }).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant }).await;
        Ok(())
    }

    /// What is known of an install, from memory while it is fresh.
    async fn target(&self, ctx: &OpCtx, install: InstallId) -> Result<Arc<Target>, Error> {
        if !ctx.reaches(install) {
            return Err(Error::NotFound);
        }
        let targets = &self.0.targets;
        let key = (ctx.tenant(), install);
        let known = targets.known.get(&key);
        if let Some(target) = known.as_ref().filter(|target| targets.is_fresh(target)) {
            return Ok(Arc::clone(target));
        }
        match (self.load_target(ctx, install).await, known) {
            (Ok(target), _) => {
                let target = Arc::new(target);
                targets.known.insert(key, Arc::clone(&target));
                Ok(target)
            }
            (Err(Error::Internal(cause)), Some(stale)) => {
                tracing::warn!(
                    error = cause.as_ref() as &dyn std::error::Error,
                    "Used what was known of an install, because the database did not answer"
                );
                Ok(stale)
            }
            (Err(error), _) => {
                targets.known.invalidate(&key);
                Err(error)
            }
        }
    }

    async fn load_target(&self, ctx: &OpCtx, install: InstallId) -> Result<Target, Error> {
        let granted: Granted<CredentialOpen> = use_grant(ctx);
        let loaded_at = self.now();
        let tx = self.store().read(&granted).await?;
        let install = tx.installs().lookup(&ctx.require()?, install).await?;
        let credential = self.load_credential(&tx, &granted, &install).await?;
        let policies = self.compiled(&tx, &granted).await?;
        Ok(Target { install, credential, policies, loaded_at })
    }

    /// A tool that is not permitted answers like one that is not there. What policies want of the arguments, and whether a person
    /// has approved, the door has asked ([`crate::Permits::call`]).
    fn permit_tool(
        &self,
        ctx: &OpCtx,
        target: &Target,
        (tool, effect): (&str, ToolEffect),
    ) -> Result<(), Error> {
        let permits = self.permits(ctx, &target.policies);
        if permits.tool_of(&target.install, tool, effect) { Ok(()) } else { Err(Error::NotFound) }
    }

    async fn secrets(&self, ctx: &OpCtx, target: &Target) -> Result<Option<Secrets>, Error> {
        let Some(sealed) = &target.credential else { return Ok(None) };
        self.unseal_for(ctx, sealed, Purpose::ToolCall).await.map(Some)
    }

    async fn failed(&self, ctx: &OpCtx, install: &Install, failure: Failure) -> Error {
        if let Failure::Connector(ConnectorError::Auth { message }) = &failure
            && install.status == InstallStatus::Active
            && let Err(error) = self.mark_reauth(&use_grant(ctx), install.id, message).await
        {
            return error;
        }
        failure.into_error(&install.connector)
    }
}
