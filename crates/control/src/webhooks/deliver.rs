//! One try of a delivery: sign, send, write down what came back, and say when to try again.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    DeliveryState, Granted, Principal, SecretString, SystemReason, Webhook, WebhookAttempt,
    WebhookDelivery, WebhookDeliveryId,
    authz::permission::{CredentialOpen, WebhookRead, WebhookWrite},
    job::{Job, Settle},
};
use egress::Limits;
use futures_util::StreamExt;
use http::{Request, StatusCode, header};
use serde_json::json;
use store::NewAudit;
use tokio::time::Instant;

use super::{host_of, own, place, relay::wait_after, replay::TEST_EVENT, signature, unchanged};
use crate::{
    Control, Error,
    access::audit_grant,
    audit::{Deed, action},
    credentials::Purpose,
    error::Fault,
};

/// How long an address may take to answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// What is read of an answer, and what is kept of it.
const READ_BYTES: usize = 4 * 1024;
const KEPT_CHARS: usize = 1_024;
/// An address that fails for so long is not called any more.
const GIVES_UP_AFTER: TimeDelta = TimeDelta::days(5);
const USER_AGENT: &str = concat!("Patchbay-Webhooks/", env!("CARGO_PKG_VERSION"));

/// How a try ended.
struct Tried {
    attempt: WebhookAttempt,
    /// The address asks not to be called any more (HTTP 410).
    gone: bool,
}

// === impl Control ===

impl Control {
    /// Tries a delivery once.
    pub(crate) async fn deliver_webhook(&self, job: &Job, id: WebhookDeliveryId) -> Settle {
        match self.try_delivery(job, id).await {
            Ok(settle) => settle,
            // Removed with its webhook.
            Err(Error::NotFound) => Settle::Done,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    webhook.delivery.id = %id,
                    "A delivery could not be tried; trying again"
                );
                Settle::RetryAt(self.now() + self.backoff(job.attempt))
            }
        }
    }

    async fn try_delivery(&self, job: &Job, id: WebhookDeliveryId) -> Result<Settle, Error> {
        let reading: Granted<WebhookRead> = own(job.tenant);
        let tx = self.store().read(&reading).await?;
        let delivery = tx.webhook_deliveries().lookup(&reading, id).await?;
        let webhook = tx.webhooks().lookup(&reading, delivery.webhook).await?;
        drop(tx);
        if delivery.state != DeliveryState::Pending {
            return Ok(Settle::Done);
        }
        if let Some(at) = delivery.next_attempt_at.filter(|at| *at > self.now()) {
            // The try before was written down, but its worker did not come to say so.
            return Ok(Settle::RetryAt(at));
        }
        if !webhook.enabled && delivery.event_type != TEST_EVENT {
            return self.cancel_delivery(&delivery).await;
        }
        let secrets = self.webhook_secrets(&webhook).await?;
        let tried = self.send(&webhook, &delivery, &secrets).await?;
        self.conclude(&webhook, &delivery, tried).await
    }

    async fn cancel_delivery(&self, delivery: &WebhookDelivery) -> Result<Settle, Error> {
        let writing: Granted<WebhookWrite> = own(delivery.tenant);
        let tx = self.store().begin(&writing).await?;
        let ended = Err((DeliveryState::Cancelled, self.now()));
        tx.webhook_deliveries().note_attempt(&writing, delivery, &delivery.attempts, ended).await?;
        tx.commit().await?;
        Ok(Settle::Done)
    }

    async fn webhook_secrets(&self, webhook: &Webhook) -> Result<Vec<SecretString>, Error> {
        let opening: Granted<CredentialOpen> = own(webhook.tenant);
        let tx = self.store().read(&opening).await?;
        let mut secrets = Vec::new();
        for sealed in tx.webhooks().open_secrets(&opening, webhook.id, self.now()).await? {
            let place = place(webhook.tenant, sealed.id, sealed.version);
            let opened =
                self.open_at(&tx, &opening, &place, &sealed.sealed, Purpose::Webhook).await?;
            let text = std::str::from_utf8(opened.expose())
                .map_err(|_| Error::internal(Fault::CredentialShape))?;
            secrets.push(SecretString::from(text));
        }
        Ok(secrets)
    }

    async fn send(
        &self,
        webhook: &Webhook,
        delivery: &WebhookDelivery,
        secrets: &[SecretString],
    ) -> Result<Tried, Error> {
        let (now, started) = (self.now(), Instant::now());
        let id = format!("evt_{}", delivery.event.uuid().simple());
        let request = Request::post(&webhook.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, USER_AGENT)
            .header("webhook-id", &id)
            .header("webhook-timestamp", now.timestamp().to_string())
            .header("webhook-signature", signature::sign(secrets, &id, now, &delivery.payload)?)
            .body(Bytes::from(delivery.payload.clone()))
            .map_err(Error::internal)?;
        let limits = Limits { timeout: TIMEOUT, ..Limits::default() };
        let answered = match self.0.parts.egress.stream(request, &limits).await {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                Ok((head.status, beginning(body).await))
            }
            Err(error) => Err(error.to_string()),
        };
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let gone = matches!(&answered, Ok((StatusCode::GONE, _)));
        let attempt = match answered {
            Ok((status, response)) => WebhookAttempt {
                at: now,
                milliseconds,
                status: Some(status.as_u16()),
                response: Some(response),
                error: refusal_of(status),
            },
            Err(error) => WebhookAttempt {
                at: now,
                milliseconds,
                status: None,
                response: None,
                error: Some(error),
            },
        };
        Ok(Tried { attempt, gone })
    }

    /// Writes down how a try went, in one transaction with what follows from it.
    async fn conclude(
        &self,
        webhook: &Webhook,
        delivery: &WebhookDelivery,
        tried: Tried,
    ) -> Result<Settle, Error> {
        let now = self.now();
        let failed = tried.attempt.error.is_some();
        let mut attempts = delivery.attempts.clone();
        attempts.push(tried.attempt);
        let next = match wait_after(attempts.len()) {
            _ if !failed => Err((DeliveryState::Succeeded, now)),
            Some(wait) if !tried.gone => Ok(now + wait),
            _ => Err((DeliveryState::Failed, now)),
        };
        let writing: Granted<WebhookWrite> = own(webhook.tenant);
        let tx = self.store().begin(&writing).await?;
        let deliveries = tx.webhook_deliveries();
        if !deliveries.note_attempt(&writing, delivery, &attempts, next).await? {
            // Somebody else had it meanwhile: what they wrote stays.
            return Ok(Settle::Done);
        }
        tx.webhooks().note_failing(&writing, webhook.id, failed.then_some(now)).await?;
        let current = tx.webhooks().lookup(&own(webhook.tenant), webhook.id).await?;
        if failed && let Some(reason) = given_up(&current, now, tried.gone) {
            let mut change = unchanged(&current, None, now);
            change.enabled = false;
            change.disabled_reason = Some(reason.to_owned());
            tx.webhooks().update(&writing, webhook.id, change).await?;
            let actor = Principal::System(SystemReason::DeliverEvents);
            let deed = Deed::on(action::WEBHOOK_DISABLE, &webhook.id);
            let request_id = delivery.id.to_string();
            let entry = self.audit_by(&actor, &request_id, &deed).succeeded();
            let detail = json!({ "reason": reason, "url": host_of(&webhook.url) });
            let auditing = audit_grant(webhook.tenant, &request_id);
            tx.audit().append(&auditing, NewAudit { detail, ..entry }).await?;
            self.listen_if_wanted(&tx, &writing).await?;
        }
        tx.commit().await?;
        Ok(match next {
            Ok(at) => Settle::RetryAt(at),
            Err(_) => Settle::Done,
        })
    }
}

/// Why a webhook whose delivery failed is to be disabled, if it is.
fn given_up(webhook: &Webhook, now: DateTime<Utc>, gone: bool) -> Option<&'static str> {
    if !webhook.enabled {
        return None;
    }
    if gone {
        return Some("the address answered 410 Gone: it does not want to be told any more");
    }
    let since = webhook.failing_since?;
    (now - since >= GIVES_UP_AFTER).then_some("every delivery has failed for 5 days")
}

/// Why a status is no success. Redirects are not followed: they could lead where the operator lets nobody go.
fn refusal_of(status: StatusCode) -> Option<String> {
    if status.is_success() {
        return None;
    }
    if status.is_redirection() {
        return Some("the address redirects, and redirects are not followed".to_owned());
    }
    Some(format!("the address answered {}", status.as_u16()))
}

/// The first bytes of an answer as text, without what looks like a secret.
async fn beginning(mut body: egress::Body) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < READ_BYTES
        && let Some(Ok(piece)) = body.next().await
    {
        bytes.extend_from_slice(&piece[..piece.len().min(READ_BYTES - bytes.len())]);
    }
    let text = String::from_utf8_lossy(&bytes);
    telemetry::redact(&text).chars().take(KEPT_CHARS).collect()
}
