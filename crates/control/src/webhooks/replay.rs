//! Telling again what was told, and telling something for a try.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::{
    AuditId, Granted, OpCtx, Webhook, WebhookDelivery, WebhookDeliveryId, WebhookId,
    authz::permission::{AuditRead, WebhookWrite},
    job::Lane,
};
use serde_json::{Value, json};
use store::NewDelivery;
use telemetry::propagate::current_traceparent;

use super::{own, unchanged};
use crate::{
    Control, Error,
    audit::{Deed, action},
};

/// The type of what `sendTestEvent` sends. Nothing else has it.
pub(super) const TEST_EVENT: &str = "webhook.test";

// === impl Control ===

impl Control {
    /// Sends something of no meaning, also to a webhook that is disabled: to see whether it arrives before it is relied on.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::NotFound`].
    pub async fn send_test_event(
        &self,
        ctx: &OpCtx,
        id: WebhookId,
    ) -> Result<WebhookDelivery, Error> {
        let deed = Deed::on(action::WEBHOOK_SEND_TEST, &id);
        let granted: Granted<WebhookWrite> = self.require_whole(ctx, &deed).await?;
        let (event, now) = (AuditId::generate(), self.now());
        let payload = json!({
            "type": TEST_EVENT,
            "timestamp": now.to_rfc3339_opts(SecondsFormat::Micros, true),
            "data": { "organisation": ctx.tenant(), "webhook": id, "actor": ctx.principal().to_string() },
        });
        let new = NewDelivery {
            id: WebhookDeliveryId::generate(),
            webhook: id,
            event,
            event_type: TEST_EVENT.to_owned(),
            payload: payload.to_string(),
            created_at: now,
        };
        self.deliver_anew(ctx, &granted, &deed, new, json!({})).await
    }

    /// Delivers an event again, with the same id and body, however the delivery ended.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::NotFound`].
    pub async fn replay_delivery(
        &self,
        ctx: &OpCtx,
        id: WebhookDeliveryId,
    ) -> Result<WebhookDelivery, Error> {
        let deed = Deed::on(action::WEBHOOK_REPLAY, &id);
        let granted: Granted<WebhookWrite> = self.require_whole(ctx, &deed).await?;
        let reading = own(ctx.tenant());
        let tx = self.store().read(&granted).await?;
        let was = tx.webhook_deliveries().lookup(&reading, id).await?;
        drop(tx);
        let new = NewDelivery {
            id: WebhookDeliveryId::generate(),
            webhook: was.webhook,
            event: was.event,
            event_type: was.event_type,
            payload: was.payload,
            created_at: self.now(),
        };
        let detail = json!({ "webhook": was.webhook });
        self.deliver_anew(ctx, &granted, &deed, new, detail).await
    }

    /// Tells a webhook everything that happened since a time once more, as far as the audit log reaches, also what happened
    /// while it was disabled.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::NotFound`]; [`Error::Conflict`] while it is disabled.
    pub async fn replay_events(
        &self,
        ctx: &OpCtx,
        id: WebhookId,
        since: DateTime<Utc>,
    ) -> Result<Webhook, Error> {
        let deed = Deed::on(action::WEBHOOK_REPLAY, &id);
        let granted: Granted<WebhookWrite> = self.require_whole(ctx, &deed).await?;
        let auditing: Granted<AuditRead> = own(ctx.tenant());
        let tx = self.store().begin(&granted).await?;
        let before = tx.webhooks().lookup(&own(ctx.tenant()), id).await?;
        if !before.enabled {
            let message = "the webhook is disabled: enable it, then replay what it has missed";
            return Err(Error::conflict("webhookId", message));
        }
        // Going back in the log is all: whoever relays what is new relays from there.
        let seq = tx.audit().seq_before(&auditing, since).await?.min(before.seq);
        let mut change = unchanged(&before, None, self.now());
        change.seq = Some(seq);
        let webhook = tx.webhooks().update(&granted, id, change).await?;
        self.audit(&tx, ctx, &deed, json!({ "since": since, "after_seq": seq })).await?;
        tx.commit().await?;
        Ok(webhook)
    }

    async fn deliver_anew(
        &self,
        ctx: &OpCtx,
        granted: &Granted<WebhookWrite>,
        deed: &Deed,
        new: NewDelivery,
        detail: Value,
    ) -> Result<WebhookDelivery, Error> {
        let reading = own(ctx.tenant());
        let tx = self.store().begin(granted).await?;
        tx.webhooks().lookup(&reading, new.webhook).await?;
        let id = new.id;
        let jobs = self.add_deliveries(&tx, granted, vec![new]).await?;
        let delivery = tx.webhook_deliveries().lookup(&reading, id).await?;
        self.audit(&tx, ctx, deed, detail).await?;
        tx.commit().await?;
        for job in jobs {
            self.ring(Lane::Delivery, job, current_traceparent().as_deref()).await;
        }
        Ok(delivery)
    }
}
