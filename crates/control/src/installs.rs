//! Connectors that an organisation has installed.

use chrono::{DateTime, Utc};
use connector_sdk::{CheckReport, Connector};
use domain::{
    AuditOutcome, Classification, Granted, Install, InstallId, InstallStatus, OpCtx, Page,
    PageArgs, SyncRun,
    authz::permission::{CredentialWrite, InstallRead, InstallWrite, SyncRun as RunSync},
    event::Event,
};
use serde_json::{Value, json};
use store::{InstallChange, NewAudit, NewInstall, Tx};

use crate::{
    Control, Error, SecretJson,
    access::audit_grant,
    audit::{Deed, action},
    install_form::{Form, derive_alias},
    sync_work,
    syncs::NewSync,
};

/// Aliases tried before giving up: more installs of one connector than anybody has.
const ALIAS_TRIES: u32 = 1000;

/// A connector to be installed.
#[derive(Debug, Clone)]
pub struct InstallConnector {
    /// Id in the marketplace.
    pub connector: String,
    pub display_name: String,
    /// Prefix of its tools; made from the connector's id when not given.
    pub alias: Option<String>,
    /// Settings by the connector's config schema; never a secret.
    pub config: Value,
    pub credential: Option<SecretJson>,
    /// Seconds between automatic syncs; `None` or 0 syncs only when asked.
    pub sync_interval_seconds: Option<i64>,
}

/// What an installation gives.
#[derive(Debug, Clone)]
pub struct Installed {
    pub install: Install,
    /// The first sync; `None` when the connector does not sync.
    pub run: Option<SyncRun>,
}

/// Changes to an install; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UpdateInstall {
    pub display_name: Option<String>,
    pub config: Option<Value>,
    /// Replaces the stored one and brings an install that needed it back.
    pub credential: Option<SecretJson>,
    /// [`InstallStatus::Active`] or [`InstallStatus::Paused`].
    pub status: Option<InstallStatus>,
    /// 0 switches automatic syncs off.
    pub sync_interval_seconds: Option<i64>,
    /// How confidential everything of it is.
    pub classification: Option<Classification>,
    /// Refused as a conflict unless the install still has this version.
    pub expected_version: Option<i64>,
}

/// Settings to be tried out.
#[derive(Debug, Clone)]
pub struct CheckConnection {
    pub connector: String,
    pub config: Value,
    pub credential: Option<SecretJson>,
}

// === impl Control ===

impl Control {
    /// Installs a connector, after trying its settings against the real source, and starts its first sync.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin; [`Error::Invalid`] for what the connector's schemas refuse; [`Error::Conflict`] for a taken alias;
    /// [`Error::Upstream`] when the source cannot be used with these settings. Nothing is stored then.
    pub async fn install_connector(
        &self,
        ctx: &OpCtx,
        command: InstallConnector,
    ) -> Result<Installed, Error> {
        let deed = Deed::on(action::INSTALL_CREATE, &command.connector);
        let granted = self.require_whole::<InstallWrite>(ctx, &deed).await?;
        let connector = self.offered(&command.connector)?;
        let form = Form::of_new(self, connector, &command)?;
        let report = self.try_out(connector, &command.config, form.credential).await?;
        refuse_failed(connector, &report)?;
        let tx = self.store().begin(&granted).await?;
        let alias = free_alias(&tx, ctx, &command).await?;
        let install = tx.installs().create(&granted, self.new_install(&command, alias)).await?;
        if let Some(secret) = form.credential {
            self.put_credential(&tx, &ctx.require()?, &install, secret).await?;
        }
        let enqueued = match connector.sync() {
            Some(_) => {
                let running: Granted<RunSync> = ctx.require()?;
                Some(self.enqueue_sync(&tx, &running, &NewSync::asked(install.id)).await?)
            }
            None => None,
        };
        let install = tx.installs().lookup(&ctx.require()?, install.id).await?;
        let deed = Deed::on(action::INSTALL_CREATE, &install.id);
        let detail = json!({ "connector": install.connector, "alias": install.alias });
        self.audit(&tx, ctx, &deed, detail).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        let run = self.announce(enqueued).await;
        Ok(Installed { install, run })
    }

    /// The installs that the caller reaches.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that is none.
    pub async fn list_installs(&self, ctx: &OpCtx, page: PageArgs) -> Result<Page<Install>, Error> {
        let granted = self.require(ctx, &Deed::new(action::INSTALL_READ)).await?;
        let tx = self.store().read(&granted).await?;
        let mut args = page;
        loop {
            let mut page = tx.installs().list(&granted, &args).await?;
            let last = page.items.last().map(|(cursor, _)| cursor.clone());
            page.items.retain(|(_, install)| ctx.reaches(install.id));
            // A page of which nothing is left would have no cursor to go on from.
            if !page.items.is_empty() || !page.has_next {
                return Ok(page);
            }
            args.after = last;
        }
    }

    /// An install by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`], also when it is out of the caller's reach.
    pub async fn lookup_install(&self, ctx: &OpCtx, id: InstallId) -> Result<Install, Error> {
        let deed = Deed::on(action::INSTALL_READ, &id);
        let granted = self.require_on(ctx, &deed, id).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.installs().lookup(&granted, id).await?)
    }

    /// Those of some installs that are there and in reach, in no order.
    ///
    /// # Errors
    /// [`Error::Internal`] alone.
    pub async fn lookup_installs(
        &self,
        ctx: &OpCtx,
        ids: &[InstallId],
    ) -> Result<Vec<Install>, Error> {
        let granted = self.require(ctx, &Deed::new(action::INSTALL_READ)).await?;
        let reached: Vec<_> = ids.iter().copied().filter(|id| ctx.reaches(*id)).collect();
        let tx = self.store().read(&granted).await?;
        Ok(tx.installs().lookup_many(&granted, &reached).await?)
    }

    /// Changes an install. Settings and credential are tried against the real source before they are kept. New settings end a sync
    /// in progress and begin it anew; the next sync reads everything.
    ///
    /// # Errors
    /// As [`Control::install_connector`], and [`Error::Conflict`] when the install has another version than expected.
    pub async fn update_install(
        &self,
        ctx: &OpCtx,
        id: InstallId,
        command: UpdateInstall,
    ) -> Result<Install, Error> {
        let deed = Deed::on(action::INSTALL_UPDATE, &id);
        let granted = self.require_on::<InstallWrite>(ctx, &deed, id).await?;
        let install = self.lookup_install(ctx, id).await?;
        let connector = self.offered(&install.connector)?;
        let form = Form::of_change(self, connector, &install, &command)?;
        self.try_change(ctx, connector, &install, &command).await?;
        let tx = self.store().begin(&granted).await?;
        let change = change_of(&install, &command, self.now());
        // A run that began with other settings would go on at a place that means nothing in the new ones.
        let is_overtaken = change.config.is_some() && self.end_unfinished(&tx, ctx, id).await?;
        // What was tried out is what is kept: a change in between would mix two people's settings.
        let expected = command.expected_version.or(Some(install.version));
        let mut updated = tx.installs().update(&granted, id, expected, change).await?;
        if let Some(secret) = form.credential {
            let writing: Granted<CredentialWrite> = ctx.require()?;
            self.put_credential(&tx, &writing, &updated, secret).await?;
            updated = tx.installs().lookup(&ctx.require()?, id).await?;
        }
        let restarted = match updated.status {
            InstallStatus::Active if is_overtaken => {
                let running: Granted<RunSync> = sync_work::granted(ctx.tenant(), ctx.request_id());
                Some(self.enqueue_sync(&tx, &running, &NewSync::asked(id)).await?)
            }
            _ => None,
        };
        self.audit(&tx, ctx, &deed, changed_parts(&command)).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        self.announce(restarted).await;
        Ok(updated)
    }

    /// Removes an install with its credential, its runs and everything that it has synced. A sync in progress is ended.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::NotFound`].
    pub async fn remove_install(&self, ctx: &OpCtx, id: InstallId) -> Result<(), Error> {
        let deed = Deed::on(action::INSTALL_REMOVE, &id);
        let granted = self.require_on::<InstallWrite>(ctx, &deed, id).await?;
        let tx = self.store().begin(&granted).await?;
        self.end_unfinished(&tx, ctx, id).await?;
        tx.installs().remove(&granted, id).await?;
        self.audit(&tx, ctx, &deed, json!({})).await?;
        tx.commit().await?;
        let tenant = ctx.tenant();
        self.signal(Event::RouteChanged { tenant }).await;
        self.signal(Event::DataChanged { tenant, install: id }).await;
        Ok(())
    }

    /// Tries settings and a credential against the real source, without keeping anything.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin; [`Error::Invalid`]; [`Error::Upstream`] when the check itself could not be made.
    pub async fn check_connection(
        &self,
        ctx: &OpCtx,
        command: CheckConnection,
    ) -> Result<CheckReport, Error> {
        let deed = Deed::on(action::CONNECTION_CHECK, &command.connector);
        self.require_whole::<InstallWrite>(ctx, &deed).await?;
        let connector = self.offered(&command.connector)?;
        let form = Form::of_check(connector, &command)?;
        let tried = self.try_out(connector, &command.config, form.credential).await;
        let outcome = match &tried {
            Ok(_) => AuditOutcome::Succeeded,
            Err(_) => AuditOutcome::Failed,
        };
        let auditing = audit_grant(ctx.tenant(), ctx.request_id());
        let tx = self.store().begin(&auditing).await?;
        let entry = NewAudit { outcome, ..self.audit_of(ctx, &deed).succeeded() };
        tx.audit().append(&auditing, entry).await?;
        tx.commit().await?;
        tried
    }

    fn offered(&self, id: &str) -> Result<&'static dyn Connector, Error> {
        let missing = || {
            let message = "there is no such connector in the marketplace";
            Error::invalid("connector", "not_found", message)
        };
        self.connector(id).ok_or_else(missing)
    }

    fn new_install(&self, command: &InstallConnector, alias: String) -> NewInstall {
        NewInstall {
            id: InstallId::generate(),
            connector: command.connector.clone(),
            alias,
            display_name: command.display_name.trim().to_owned(),
            config: command.config.clone(),
            sync_interval_seconds: command.sync_interval_seconds.filter(|seconds| *seconds > 0),
            classification: Classification::default(),
            created_at: self.now(),
        }
    }

    async fn try_change(
        &self,
        ctx: &OpCtx,
        connector: &'static dyn Connector,
        install: &Install,
        command: &UpdateInstall,
    ) -> Result<(), Error> {
        if command.config.is_none() && command.credential.is_none() {
            return Ok(());
        }
        let config = command.config.as_ref().unwrap_or(&install.config);
        let report = match &command.credential {
            Some(secret) => self.try_out(connector, config, Some(secret)).await?,
            None => self.try_with_stored(ctx, connector, config, install).await?,
        };
        refuse_failed(connector, &report)
    }
}

/// Settings that the source refuses are not stored: the first thing that failed is the answer.
fn refuse_failed(connector: &dyn Connector, report: &CheckReport) -> Result<(), Error> {
    let Some(failed) = report.items.iter().find(|item| !item.ok) else { return Ok(()) };
    Err(Error::Upstream {
        connector: connector.manifest().id.clone(),
        kind: crate::UpstreamKind::Permanent,
        message: format!("{}: {}", failed.name, failed.message),
    })
}

async fn free_alias(tx: &Tx, ctx: &OpCtx, command: &InstallConnector) -> Result<String, Error> {
    let reading: Granted<InstallRead> = ctx.require()?;
    if let Some(alias) = &command.alias {
        return match tx.installs().find_by_alias(&reading, alias).await? {
            None => Ok(alias.clone()),
            Some(_) => Err(Error::conflict("alias", "another install has this alias")),
        };
    }
    for number in 1..=ALIAS_TRIES {
        let alias = derive_alias(&command.connector, number);
        if tx.installs().find_by_alias(&reading, &alias).await?.is_none() {
            return Ok(alias);
        }
    }
    Err(Error::conflict("alias", "there are too many installs of this connector: choose an alias"))
}

fn change_of(install: &Install, command: &UpdateInstall, now: DateTime<Utc>) -> InstallChange {
    let revived = command.credential.is_some() && install.status == InstallStatus::NeedsReauth;
    InstallChange {
        display_name: command.display_name.as_ref().map(|name| name.trim().to_owned()),
        config: command.config.clone().filter(|config| *config != install.config),
        status: command.status.or(revived.then_some(InstallStatus::Active)),
        sync_interval_seconds: command
            .sync_interval_seconds
            .map(|seconds| (seconds > 0).then_some(seconds)),
        classification: command.classification,
        updated_at: now,
    }
}

/// Which parts changed, for the audit log: names, never values.
fn changed_parts(command: &UpdateInstall) -> Value {
    let parts = [
        ("display_name", command.display_name.is_some()),
        ("config", command.config.is_some()),
        ("credential", command.credential.is_some()),
        ("status", command.status.is_some()),
        ("sync_interval_seconds", command.sync_interval_seconds.is_some()),
        ("classification", command.classification.is_some()),
    ];
    let changed: Vec<_> = parts.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    json!({ "changed": changed })
}
