//! From the audit log to deliveries: each entry once for each webhook that wants it, in the order of the log.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use domain::{
    AuditEvent, Granted, JobId, TenantId, Webhook, WebhookDeliveryId,
    authz::permission::{AuditRead, WebhookRead, WebhookWrite},
    job::{Job, JobPayload, Lane, Settle},
};
use serde_json::json;
use store::{NewDelivery, NewJob, Tx};
use telemetry::propagate::current_traceparent;

use super::{event_types, own};
use crate::{Control, Error};

/// Entries that one transaction makes deliveries of.
const SLICE: u32 = 200;
/// Deliveries that are removed from one organisation in one round.
const REMOVED_AT_ONCE: u64 = 10_000;

// === impl Control ===

impl Control {
    /// Makes deliveries of what is new in the organisation's log.
    pub(crate) async fn relay_events(&self, job: &Job) -> Settle {
        match self.relay_all(job.tenant).await {
            Ok(()) => Settle::Done,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    tenant.id = %job.tenant,
                    "What is new could not be handed to webhooks; trying again"
                );
                Settle::RetryAt(self.now() + self.backoff(job.attempt))
            }
        }
    }

    async fn relay_all(&self, tenant: TenantId) -> Result<(), Error> {
        let writing: Granted<WebhookWrite> = own(tenant);
        let tx = self.store().begin(&writing).await?;
        tx.audit().begin_relay(&writing).await?;
        tx.commit().await?;
        // What is added from here on has a job of its own.
        let reading: Granted<WebhookRead> = own(tenant);
        let tx = self.store().read(&reading).await?;
        let webhooks = tx.webhooks().list_enabled(&reading).await?;
        drop(tx);
        for webhook in webhooks {
            while self.relay_slice(tenant, &webhook).await? {}
        }
        Ok(())
    }

    /// One transaction's worth for one webhook. `true` when there may be more.
    async fn relay_slice(&self, tenant: TenantId, webhook: &Webhook) -> Result<bool, Error> {
        let writing: Granted<WebhookWrite> = own(tenant);
        let auditing: Granted<AuditRead> = own(tenant);
        let tx = self.store().begin(&writing).await?;
        let now = match tx.webhooks().lookup(&own(tenant), webhook.id).await {
            Ok(now) if now.enabled => now,
            Ok(_) | Err(store::Error::NotFound) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let end = tx.audit().end(&auditing).await?.seq;
        if now.seq >= end {
            return Ok(false);
        }
        let actions = event_types::chosen(&now.event_types);
        let place = (now.seq, end);
        let events = tx.audit().follow_actions(&auditing, &actions, place, SLICE).await?;
        let more = events.len() >= SLICE as usize;
        let reached = events.last().filter(|_| more).map_or(end, |last| last.link.seq);
        // First of all: who else has made these deliveries, or rewound the webhook, is found here.
        if !tx.webhooks().advance(&writing, webhook.id, (now.seq, reached)).await? {
            tx.rollback().await?;
            return Ok(true);
        }
        let rung = self.enqueue_deliveries(&tx, &writing, &now, &events).await?;
        tx.commit().await?;
        for job in rung {
            self.ring(Lane::Delivery, job, current_traceparent().as_deref()).await;
        }
        Ok(more)
    }

    async fn enqueue_deliveries(
        &self,
        tx: &Tx,
        writing: &Granted<WebhookWrite>,
        webhook: &Webhook,
        events: &[AuditEvent],
    ) -> Result<Vec<JobId>, Error> {
        let mut deliveries = Vec::with_capacity(events.len());
        for event in events {
            deliveries.push(NewDelivery {
                id: WebhookDeliveryId::generate(),
                webhook: webhook.id,
                event: event.id,
                event_type: event.action.clone(),
                payload: payload(event),
                created_at: self.now(),
            });
        }
        self.add_deliveries(tx, writing, deliveries).await
    }

    /// Adds deliveries with their jobs, and gives those to ring for after the commit.
    pub(super) async fn add_deliveries(
        &self,
        tx: &Tx,
        writing: &Granted<WebhookWrite>,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Vec<JobId>, Error> {
        let mut jobs = Vec::with_capacity(deliveries.len());
        let ids: Vec<_> = deliveries.iter().map(|delivery| delivery.id).collect();
        tx.webhook_deliveries().create_many(writing, deliveries).await?;
        for delivery in ids {
            let job = NewJob {
                id: JobId::generate(),
                payload: JobPayload::DeliverWebhook { delivery },
                lane: Lane::Delivery,
                run_at: self.now(),
                dedup_key: None,
                traceparent: current_traceparent(),
            };
            jobs.push(tx.jobs().enqueue(writing, job).await?);
        }
        Ok(jobs)
    }

    /// Removes deliveries of all organisations that ended before a time.
    pub(crate) async fn purge_deliveries(&self, before: DateTime<Utc>) -> Result<u64, Error> {
        let mut removed = 0;
        for tenant in self.store().directory().list_tenants().await? {
            let writing: Granted<WebhookWrite> = own(tenant.id);
            let tx = self.store().begin(&writing).await?;
            removed += tx.webhook_deliveries().purge(&writing, before, REMOVED_AT_ONCE).await?;
            tx.commit().await?;
        }
        Ok(removed)
    }
}

/// The body of an event, by the conventions of Standard Webhooks: type, time and what it is about.
fn payload(event: &AuditEvent) -> String {
    json!({
        "type": event.action,
        "timestamp": event.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "data": {
            "id": event.id,
            "seq": event.link.seq,
            "organisation": event.tenant,
            "actor": event.actor,
            "target": event.target,
            "outcome": event.outcome.as_str(),
            "request_id": event.request_id,
            "detail": event.detail,
        },
    })
    .to_string()
}

/// Waits after the first, second, … try that did not get through.
const WAITS: [TimeDelta; 7] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(10),
];

/// The wait after so many tries, spread by a fifth to either side so that what failed together does not come back together.
/// `None` after the last one.
pub(super) fn wait_after(tries: usize) -> Option<TimeDelta> {
    let wait = tries.checked_sub(1).and_then(|index| WAITS.get(index))?;
    let full = wait.num_milliseconds();
    // Without randomness it is the middle.
    let random = i64::from(getrandom::u32().unwrap_or(u32::MAX / 2));
    let spread = full * 2 / 5;
    Some(TimeDelta::milliseconds(full - spread / 2 + spread * random / i64::from(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_those_of_the_schedule_and_end() {
        for (index, wait) in WAITS.iter().enumerate() {
            let found = wait_after(index + 1).expect("a wait");
            assert!(found >= *wait * 4 / 5 && found <= *wait * 6 / 5, "{found} for {wait}");
        }
        assert_eq!(wait_after(WAITS.len() + 1), None);
    }
}
