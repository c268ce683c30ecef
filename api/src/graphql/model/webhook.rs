//! Webhooks, the keys that sign and the deliveries.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::{
    caller::Caller,
    page::{Connection, connect, page_args},
};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::DeliveryState")]
pub(crate) enum WebhookDeliveryState {
    /// On its way, or waiting for its next try.
    Pending,
    Succeeded,
    /// Gave up after the last try.
    Failed,
    /// Its webhook was disabled before it got through.
    Cancelled,
}

pub(crate) struct Webhook(pub(crate) domain::Webhook);

/// An address that is told what changes in the organisation, signed by Standard Webhooks.
#[Object]
impl Webhook {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    async fn url(&self) -> &str {
        &self.0.url
    }

    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Event types (`install.create`), all of a noun (`install.*`) or all (`*`).
    async fn event_types(&self) -> &[String] {
        &self.0.event_types
    }

    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// Why Patchbay disabled it; null when a person did or it is enabled.
    async fn disabled_reason(&self) -> Option<&str> {
        self.0.disabled_reason.as_deref()
    }

    /// Since when no delivery has succeeded, if the last one did not. After 5 days the webhook is disabled.
    async fn failing_since(&self) -> Option<DateTime<Utc>> {
        self.0.failing_since
    }

    /// For `expectedVersion` of a change.
    async fn version(&self) -> i64 {
        self.0.version
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// The keys that sign now, newest first; never their text.
    async fn secrets(&self, ctx: &Context<'_>) -> Result<Vec<WebhookSecret>> {
        let caller = Caller::of(ctx);
        let secrets = caller.control.list_webhook_secrets(&caller.ctx, self.0.id).await?;
        let shown = |it: domain::WebhookSecret| WebhookSecret {
            created_at: it.created_at,
            expires_at: it.expires_at,
        };
        Ok(secrets.into_iter().map(shown).collect())
    }

    /// What it was told and is to be told, newest first.
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
        state: Option<WebhookDeliveryState>,
    ) -> Result<Connection<WebhookDelivery>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let state = state.map(Into::into);
        let (control, who) = (&caller.control, &caller.ctx);
        let deliveries = control.list_webhook_deliveries(who, self.0.id, state, page).await?;
        Ok(connect(deliveries, continued, WebhookDelivery))
    }
}

/// A key that signs deliveries.
#[derive(SimpleObject)]
pub(crate) struct WebhookSecret {
    created_at: DateTime<Utc>,
    /// Set when a newer one takes its place; until then both sign.
    expires_at: Option<DateTime<Utc>>,
}

pub(crate) struct WebhookDelivery(pub(crate) domain::WebhookDelivery);

/// One event on its way to one webhook.
#[Object]
impl WebhookDelivery {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    async fn webhook_id(&self) -> ID {
        ID(self.0.webhook.to_string())
    }

    /// The entry of the audit log that tells the event: the same in every replay.
    async fn event_id(&self) -> ID {
        ID(self.0.event.to_string())
    }

    async fn event_type(&self) -> &str {
        &self.0.event_type
    }

    /// The body, as it is sent.
    async fn payload(&self) -> &str {
        &self.0.payload
    }

    async fn state(&self) -> WebhookDeliveryState {
        self.0.state.into()
    }

    /// Oldest first; at most 8.
    async fn attempts(&self) -> Vec<WebhookAttempt> {
        self.0.attempts.iter().cloned().map(WebhookAttempt).collect()
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    async fn next_attempt_at(&self) -> Option<DateTime<Utc>> {
        self.0.next_attempt_at
    }

    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }
}

pub(crate) struct WebhookAttempt(domain::WebhookAttempt);

/// One try of a delivery.
#[Object]
impl WebhookAttempt {
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    async fn milliseconds(&self) -> u64 {
        self.0.milliseconds
    }

    /// HTTP status; null when there was no answer.
    async fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The beginning of the answer, without what looks like a secret.
    async fn response(&self) -> Option<&str> {
        self.0.response.as_deref()
    }

    /// Why it was no success; null when it was.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }
}
