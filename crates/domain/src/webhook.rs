//! Webhooks: addresses of an organisation that are told what happens in it, and what became of the telling.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AuditId, TenantId, WebhookDeliveryId, WebhookId, WebhookSecretId};

/// An address that is told of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    pub tenant: TenantId,
    pub url: String,
    pub description: String,
    /// Event types (`install.create`), all of a noun (`install.*`) or all (`*`).
    pub event_types: Vec<String>,
    pub enabled: bool,
    /// Why Patchbay disabled it; `None` when a person did or it is enabled.
    pub disabled_reason: Option<String>,
    /// Since when no delivery has succeeded, if the last one did not.
    pub failing_since: Option<DateTime<Utc>>,
    /// The entry of the audit log up to which deliveries were made.
    pub seq: i64,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A key of a webhook, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSecret {
    pub id: WebhookSecretId,
    pub webhook: WebhookId,
    pub created_at: DateTime<Utc>,
    /// Set when a newer one takes its place: until then both sign.
    pub expires_at: Option<DateTime<Utc>>,
}

/// One event on its way to one webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookDelivery {
    pub id: WebhookDeliveryId,
    pub tenant: TenantId,
    pub webhook: WebhookId,
    /// The entry of the audit log that tells the event. Replays carry the same one, by which a receiver knows them.
    pub event: AuditId,
    pub event_type: String,
    /// The body, as it is signed and sent, the same in every attempt.
    pub payload: String,
    pub state: DeliveryState,
    /// Oldest first.
    pub attempts: Vec<WebhookAttempt>,
    pub created_at: DateTime<Utc>,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// One try of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookAttempt {
    pub at: DateTime<Utc>,
    pub milliseconds: u64,
    /// HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// The beginning of the answer, without what looks like a secret.
    pub response: Option<String>,
    /// Why there was no answer, or why the answer is no success.
    pub error: Option<String>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    Pending,
    Succeeded,
    /// Gave up after its last attempt.
    Failed,
    /// Its webhook was disabled before it got through.
    Cancelled,
}

// === impl DeliveryState ===

impl DeliveryState {
    const ALL: [Self; 4] = [Self::Pending, Self::Succeeded, Self::Failed, Self::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}
