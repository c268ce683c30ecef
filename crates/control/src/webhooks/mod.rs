//! Webhooks: addresses of an organisation that are told what changes in it, signed by Standard Webhooks.
//!
//! The audit log is the outbox: an entry is written with its change or not at all, and the commit that adds one to a log that
//! somebody listens to adds a job as well. The job makes deliveries of what is new (`relay.rs`), each a row with a job of its own
//! that tries until it gets through or gives up (`deliver.rs`).

mod deliver;
mod event_types;
mod relay;
mod replay;
mod signature;

use std::time::Duration;

use chrono::TimeDelta;
use domain::{
    CredentialId, DeliveryState, Granted, OpCtx, Page, PageArgs, SecretString, SystemReason,
    TenantId, Webhook, WebhookDelivery, WebhookDeliveryId, WebhookId, WebhookSecret,
    WebhookSecretId,
    authz::{
        Permission,
        permission::{AuditRead, CredentialWrite, WebhookRead, WebhookWrite},
    },
    secret::ExposeSecret,
};
use serde_json::json;
use store::{NewWebhook, NewWebhookSecret, Tx, WebhookChange};
use url::Url;
use vault::SealContext;

pub use event_types::event_types;

use crate::{
    Control, Error,
    audit::{Deed, action},
};

/// More is a mistake or an attack.
const MAX_WEBHOOKS: u64 = 20;
const MAX_URL: usize = 2_000;
const MAX_DESCRIPTION: usize = 500;
const OVERLAP_MAX_HOURS: u32 = 24 * 7;
/// How long a name server may take to say where an address leads, before it is taken for right until the first delivery.
const LOOK_UP: Duration = Duration::from_secs(3);

/// A webhook to be made.
#[derive(Debug, Clone)]
pub struct CreateWebhook {
    pub url: String,
    pub description: String,
    pub event_types: Vec<String>,
}

/// A webhook that was made, or that has a new key.
#[derive(Debug)]
pub struct CreatedWebhook {
    pub webhook: Webhook,
    /// The key that signs: this is the only time that it can be read.
    pub secret: SecretString,
}

/// What is to become of a webhook; `None` stays as it is.
#[derive(Debug, Clone)]
pub struct UpdateWebhook {
    pub id: WebhookId,
    pub url: Option<String>,
    pub description: Option<String>,
    pub event_types: Option<Vec<String>>,
    pub enabled: Option<bool>,
    pub expected_version: Option<i64>,
}

// === impl Control ===

impl Control {
    /// The organisation's webhooks.
    ///
    /// # Errors
    /// [`Error::Denied`] below auditor.
    pub async fn list_webhooks(&self, ctx: &OpCtx, page: PageArgs) -> Result<Page<Webhook>, Error> {
        let granted = self.require(ctx, &Deed::new(action::WEBHOOK_READ)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.webhooks().list(&granted, &page).await?)
    }

    /// A webhook by its id.
    ///
    /// # Errors
    /// [`Error::Denied`] below auditor, [`Error::NotFound`].
    pub async fn lookup_webhook(&self, ctx: &OpCtx, id: WebhookId) -> Result<Webhook, Error> {
        let granted = self.require(ctx, &Deed::on(action::WEBHOOK_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.webhooks().lookup(&granted, id).await?)
    }

    /// The keys by which a webhook's deliveries are signed now, newest first; never the keys themselves.
    ///
    /// # Errors
    /// [`Error::Denied`] below auditor.
    pub async fn list_webhook_secrets(
        &self,
        ctx: &OpCtx,
        id: WebhookId,
    ) -> Result<Vec<WebhookSecret>, Error> {
        let granted = self.require(ctx, &Deed::on(action::WEBHOOK_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.webhooks().list_secrets(&granted, id, self.now()).await?)
    }

    /// Deliveries to a webhook, newest first.
    ///
    /// # Errors
    /// [`Error::Denied`] below auditor.
    pub async fn list_webhook_deliveries(
        &self,
        ctx: &OpCtx,
        id: WebhookId,
        state: Option<DeliveryState>,
        page: PageArgs,
    ) -> Result<Page<WebhookDelivery>, Error> {
        let granted = self.require(ctx, &Deed::on(action::WEBHOOK_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.webhook_deliveries().list(&granted, id, state, &page).await?)
    }

    /// A delivery by its id.
    ///
    /// # Errors
    /// [`Error::Denied`] below auditor, [`Error::NotFound`].
    pub async fn lookup_webhook_delivery(
        &self,
        ctx: &OpCtx,
        id: WebhookDeliveryId,
    ) -> Result<WebhookDelivery, Error> {
        let granted = self.require(ctx, &Deed::on(action::WEBHOOK_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.webhook_deliveries().lookup(&granted, id).await?)
    }

    /// Makes a webhook. It is told what happens from now on.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin; [`Error::Invalid`] for an address that may not be called and for event types that are none;
    /// [`Error::Conflict`] when there are too many.
    pub async fn create_webhook(
        &self,
        ctx: &OpCtx,
        command: CreateWebhook,
    ) -> Result<CreatedWebhook, Error> {
        let id = WebhookId::generate();
        let deed = Deed::on(action::WEBHOOK_CREATE, &id);
        let granted: Granted<WebhookWrite> = self.require_whole(ctx, &deed).await?;
        let reading: Granted<WebhookRead> = own(ctx.tenant());
        let url = self.checked_url(&command.url).await?;
        check_description(&command.description)?;
        event_types::check(&command.event_types)?;
        let tx = self.store().begin(&granted).await?;
        if tx.webhooks().count(&reading).await? >= MAX_WEBHOOKS {
            let message = "an organisation has at most 20 webhooks: remove one first";
            return Err(Error::conflict("url", message));
        }
        let end = tx.audit().end(&own::<AuditRead>(ctx.tenant())).await?;
        let new = NewWebhook {
            id,
            url,
            description: command.description.trim().to_owned(),
            event_types: command.event_types,
            seq: end.seq,
            created_at: self.now(),
        };
        let webhook = tx.webhooks().create(&granted, new).await?;
        let secret = self.put_webhook_secret(&tx, &granted, id, 0).await?;
        let detail = json!({ "url": host_of(&webhook.url), "event_types": webhook.event_types });
        self.audit(&tx, ctx, &deed, detail).await?;
        tx.audit().listen(&granted, true).await?;
        tx.commit().await?;
        Ok(CreatedWebhook { webhook, secret })
    }

    /// Changes a webhook. One that is enabled again is told what happens from then on; a replay brings the rest.
    ///
    /// # Errors
    /// As [`Control::create_webhook`]; [`Error::NotFound`]; [`Error::Conflict`] when it was changed in the meantime.
    pub async fn update_webhook(
        &self,
        ctx: &OpCtx,
        command: UpdateWebhook,
    ) -> Result<Webhook, Error> {
        let id = command.id;
        let deed = Deed::on(action::WEBHOOK_UPDATE, &id);
        let granted: Granted<WebhookWrite> = self.require_whole(ctx, &deed).await?;
        let url = match &command.url {
            Some(url) => Some(self.checked_url(url).await?),
            None => None,
        };
        command.description.as_deref().map_or(Ok(()), check_description)?;
        command.event_types.as_deref().map_or(Ok(()), event_types::check)?;
        let tx = self.store().begin(&granted).await?;
        let before = tx.webhooks().lookup(&own(ctx.tenant()), id).await?;
        let mut change = unchanged(&before, command.expected_version, self.now());
        change.url = url.unwrap_or(change.url);
        change.description = command.description.unwrap_or(change.description);
        change.event_types = command.event_types.unwrap_or(change.event_types);
        change.enabled = command.enabled.unwrap_or(before.enabled);
        if change.enabled && !before.enabled {
            change.seq = Some(tx.audit().end(&own::<AuditRead>(ctx.tenant())).await?.seq);
            tx.webhooks().note_failing(&granted, id, None).await?;
        }
        if command.enabled.is_some() {
            change.disabled_reason = None;
        }
        let webhook = tx.webhooks().update(&granted, id, change).await?;
        let detail = json!({
            "url": host_of(&webhook.url),
            "event_types": webhook.event_types,
            "enabled": webhook.enabled,
        });
        self.audit(&tx, ctx, &deed, detail).await?;
        self.listen_if_wanted(&tx, &granted).await?;
        tx.commit().await?;
        Ok(webhook)
    }

    /// Removes a webhook with its keys and deliveries.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::NotFound`].
    pub async fn remove_webhook(&self, ctx: &OpCtx, id: WebhookId) -> Result<(), Error> {
        let deed = Deed::on(action::WEBHOOK_REMOVE, &id);
        let granted: Granted<WebhookWrite> = self.require_whole(ctx, &deed).await?;
        let tx = self.store().begin(&granted).await?;
        tx.webhooks().remove(&granted, id).await?;
        self.audit(&tx, ctx, &deed, json!({})).await?;
        self.listen_if_wanted(&tx, &granted).await?;
        Ok(tx.commit().await?)
    }

    /// Gives a webhook a new key. For so many hours deliveries are signed by the earlier ones, too, so that nothing is refused
    /// while the receiver changes over.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::NotFound`], [`Error::Invalid`].
    pub async fn rotate_webhook_secret(
        &self,
        ctx: &OpCtx,
        id: WebhookId,
        overlap_hours: u32,
    ) -> Result<CreatedWebhook, Error> {
        let deed = Deed::on(action::WEBHOOK_ROTATE_SECRET, &id);
        let granted: Granted<WebhookWrite> = self.require_whole(ctx, &deed).await?;
        if overlap_hours > OVERLAP_MAX_HOURS {
            let message = "two keys overlap for at most 7 days";
            return Err(Error::invalid("overlapHours", "out_of_range", message));
        }
        let tx = self.store().begin(&granted).await?;
        let webhook = tx.webhooks().lookup(&own(ctx.tenant()), id).await?;
        let secret = self.put_webhook_secret(&tx, &granted, id, overlap_hours).await?;
        self.audit(&tx, ctx, &deed, json!({ "overlap_hours": overlap_hours })).await?;
        tx.commit().await?;
        Ok(CreatedWebhook { webhook, secret })
    }

    async fn put_webhook_secret(
        &self,
        tx: &Tx,
        granted: &Granted<WebhookWrite>,
        webhook: WebhookId,
        overlap_hours: u32,
    ) -> Result<SecretString, Error> {
        let tenant = granted.tenant();
        let secret = signature::new_secret()?;
        let sealing: Granted<CredentialWrite> =
            Granted::system(SystemReason::SealCredential, tenant, granted.request_id());
        let data_key = self.data_key(tx, &sealing).await?;
        let (id, version, now) = (WebhookSecretId::generate(), 1, self.now());
        let bytes = secret.expose_secret().as_bytes();
        let sealed = self.0.parts.vault.seal(&data_key, &place(tenant, id, version), bytes)?;
        let new = NewWebhookSecret { id, webhook, version, sealed, created_at: now };
        let earlier_end_at = now + TimeDelta::hours(overlap_hours.into());
        tx.webhooks().put_secret(granted, new, earlier_end_at).await?;
        Ok(secret)
    }

    /// The last step before a commit that enabled, disabled or removed one: a log that nobody listens to makes no jobs.
    async fn listen_if_wanted(
        &self,
        tx: &Tx,
        granted: &Granted<WebhookWrite>,
    ) -> Result<(), Error> {
        let enabled = tx.webhooks().list_enabled(&own(granted.tenant())).await?;
        Ok(tx.audit().listen(granted, !enabled.is_empty()).await?)
    }

    /// An address that may be called. Where it leads is looked at again with every delivery.
    async fn checked_url(&self, text: &str) -> Result<String, Error> {
        let refused = |message: &str| Err(Error::invalid("url", "url", message));
        let text = text.trim();
        let Ok(url) = Url::parse(text) else {
            return refused("an address is a URL such as https://example.com/hooks");
        };
        let egress = &self.0.parts.egress;
        let plain = url.scheme() == "http" && egress.allows_private_networks();
        if url.scheme() != "https" && !plain {
            return refused("an address begins with https://");
        }
        if text.len() > MAX_URL || url.fragment().is_some() {
            return refused("an address has at most 2000 characters and no fragment");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("an address has no user name and password: deliveries are signed");
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return refused("an address names a host");
        };
        let looked_up = tokio::time::timeout(LOOK_UP, egress.resolve(host, port)).await;
        if let Ok(Err(error @ egress::Error::Forbidden { .. })) = looked_up {
            return Err(Error::invalid("url", "forbidden", error.to_string()));
        }
        Ok(url.into())
    }
}

/// What delivering needs, which is not the caller's to hold.
fn own<P: Permission>(tenant: TenantId) -> Granted<P> {
    Granted::system(SystemReason::DeliverEvents, tenant, "webhooks")
}

/// The place of a key: the id of its row stands for that of a credential.
fn place(tenant: TenantId, id: WebhookSecretId, version: i64) -> SealContext {
    SealContext { tenant, credential: CredentialId::from_uuid(id.uuid()), version }
}

fn unchanged(
    before: &Webhook,
    expected_version: Option<i64>,
    now: chrono::DateTime<chrono::Utc>,
) -> WebhookChange {
    WebhookChange {
        url: before.url.clone(),
        description: before.description.clone(),
        event_types: before.event_types.clone(),
        enabled: before.enabled,
        disabled_reason: before.disabled_reason.clone(),
        seq: None,
        expected_version: expected_version.unwrap_or(before.version),
        updated_at: now,
    }
}

/// For the audit log: paths and queries of such addresses can be secrets.
fn host_of(url: &str) -> Option<String> {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned))
}

fn check_description(text: &str) -> Result<(), Error> {
    if text.chars().count() > MAX_DESCRIPTION || text.chars().any(char::is_control) {
        let message = "a description is one line of at most 500 characters";
        return Err(Error::invalid("description", "length", message));
    }
    Ok(())
}
