//! How an attempt of a run ends: finished, put off, given up or cancelled, always with the run, its audit entry and its watchers told.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use connector_sdk::ConnectorError;
use domain::{
    AuditOutcome, Granted, InstallId, OpCtx, Principal, RunId, RunState, SyncRun, SystemReason,
    authz::permission::{AuditWrite, InstallRead, RecordWrite},
    event::Event,
    job::Settle,
};
use serde_json::json;
use store::{NewAudit, Tx};

use crate::{
    Control, Error,
    audit::{Deed, action},
    sync_work::{Work, granted},
    syncs::run_changed,
    upstream::Failure,
};

/// How an attempt ends that is not the run's success.
pub(crate) enum End {
    /// Nobody is to blame: the process stops.
    Interrupted,
    /// Tried again, at the earliest after this pause.
    Passing { pause: Duration, message: String },
    /// The credential was refused.
    NeedsReauth(String),
    /// Would fail again.
    Lasting(String),
}

// === impl Control ===

impl Control {
    /// Ends an attempt that did not finish the run.
    /// `reached_by` is the last attempt that committed a page.
    pub(crate) async fn end(
        &self,
        work: &Work,
        reached_by: i32,
        end: End,
    ) -> Result<Settle, Error> {
        let fruitless = work.attempt - reached_by;
        let (pause, message) = match end {
            End::Interrupted => return self.wait_for(work, Duration::ZERO, None).await,
            End::NeedsReauth(message) => {
                self.mark_reauth(&work.granted(), work.install, &message).await?;
                return self.give_up(work, &message).await;
            }
            End::Lasting(message) => return self.give_up(work, &message).await,
            End::Passing { pause, message } => (pause, message),
        };
        if self.is_hopeless(fruitless) {
            let message = format!("gave up after {fruitless} tries without progress: {message}");
            return self.give_up(work, &message).await;
        }
        tracing::info!(
            install.id = %work.install,
            "A sync will be tried again: {message}"
        );
        self.wait_for(work, pause.max(self.backoff(fruitless)), Some(&message)).await
    }

    /// Leaves the run, with its cursor, to a later attempt.
    async fn wait_for(
        &self,
        work: &Work,
        pause: Duration,
        message: Option<&str>,
    ) -> Result<Settle, Error> {
        let writing = work.granted::<RecordWrite>();
        let tx = self.store().begin(&writing).await?;
        let Some(run) = work.hold(&tx).await? else { return Ok(Settle::Done) };
        if run.cancel_requested {
            self.finish_run(tx, work, RunState::Cancelled, None).await?;
            return Ok(Settle::Done);
        }
        let message = message.map(ToOwned::to_owned);
        tx.runs().finish(&writing, work.run, RunState::Retrying, message, self.now()).await?;
        tx.commit().await?;
        self.signal(run_changed(&run)).await;
        Ok(Settle::RetryAt(after(self.now(), pause)))
    }

    async fn give_up(&self, work: &Work, message: &str) -> Result<Settle, Error> {
        let tx = self.store().begin(&work.granted::<RecordWrite>()).await?;
        if work.hold(&tx).await?.is_none() {
            return Ok(Settle::Done);
        }
        self.finish_run(tx, work, RunState::Failed, Some(message)).await?;
        Ok(Settle::Dead)
    }

    /// Writes the end of a run with its audit entry, commits, and tells everybody.
    pub(crate) async fn finish_run(
        &self,
        tx: Tx,
        work: &Work,
        state: RunState,
        error: Option<&str>,
    ) -> Result<(), Error> {
        let writing = work.granted::<RecordWrite>();
        let message = error.map(ToOwned::to_owned);
        let run = tx.runs().finish(&writing, work.run, state, message, self.now()).await?;
        let actor = Principal::System(SystemReason::RunJob);
        self.audit_end(&tx, &work.granted(), &actor, &run).await?;
        tx.commit().await?;
        self.signal(run_changed(&run)).await;
        if run.pages > 0 {
            self.signal(Event::DataChanged { tenant: run.tenant, install: run.install }).await;
        }
        Ok(())
    }

    /// Ends the unfinished run of an install, in the transaction of whoever is about to change the install: what a worker still
    /// brings of it is thrown away. Gives whether there was one.
    ///
    /// Call it before the install is written to. A worker locks its run and then the install; who takes them the other way
    /// round and the worker could wait for each other.
    pub(crate) async fn end_unfinished(
        &self,
        tx: &Tx,
        ctx: &OpCtx,
        install: InstallId,
    ) -> Result<bool, Error> {
        let reading: Granted<InstallRead> = granted(ctx.tenant(), ctx.request_id());
        let Some(run) = tx.runs().find_unfinished(&reading, install).await? else {
            return Ok(false);
        };
        match self.finish_cancelled(tx, ctx, run.id).await {
            // It has come to its own end in the meantime.
            Err(Error::Conflict { .. }) => Ok(false),
            ended => ended.map(|()| true),
        }
    }

    /// Ends a run in the transaction of whoever cancels it.
    pub(crate) async fn finish_cancelled(
        &self,
        tx: &Tx,
        ctx: &OpCtx,
        run: RunId,
    ) -> Result<(), Error> {
        let writing: Granted<RecordWrite> = granted(ctx.tenant(), ctx.request_id());
        let run = tx.runs().finish(&writing, run, RunState::Cancelled, None, self.now()).await?;
        let auditing = granted(ctx.tenant(), ctx.request_id());
        self.audit_end(tx, &auditing, ctx.principal(), &run).await
    }

    async fn audit_end(
        &self,
        tx: &Tx,
        granted: &Granted<AuditWrite>,
        actor: &Principal,
        run: &SyncRun,
    ) -> Result<(), Error> {
        let deed = Deed::on(action::SYNC_FINISH, &run.id);
        let outcome = match run.state {
            RunState::Failed => AuditOutcome::Failed,
            _ => AuditOutcome::Succeeded,
        };
        let detail = json!({
            "install": run.install,
            "state": run.state,
            "attempt": run.attempt,
            "pages": run.pages,
            "upserted": run.records_upserted,
            "deleted": run.records_deleted,
        });
        let entry = self.audit_by(actor, granted.request_id(), &deed).succeeded();
        tx.audit().append(granted, NewAudit { outcome, detail, ..entry }).await?;
        Ok(())
    }

    /// Whether so many tries in a row without a new page are enough.
    pub(crate) fn is_hopeless(&self, fruitless: i32) -> bool {
        u32::try_from(fruitless).is_ok_and(|tries| tries >= self.config().sync_attempts)
    }

    /// The pause before the next try: doubles each time, and is spread so that many runs do not come back at once.
    pub(crate) fn backoff(&self, tries: i32) -> Duration {
        let config = self.config();
        let doublings = u32::try_from(tries - 1).unwrap_or_default().min(20);
        let full = u64::from(config.retry_base_milliseconds) << doublings;
        let full = full.min(u64::from(config.retry_max_seconds) * 1000);
        // Without randomness the pause is the full one: later than needed, never wrong.
        let random = u64::from(getrandom::u32().unwrap_or(u32::MAX));
        Duration::from_millis(full / 2 + (full / 2) * random / u64::from(u32::MAX))
    }
}

// === impl End ===

impl End {
    pub(crate) fn of(failure: Failure) -> Self {
        let (pause, message) = match failure {
            Failure::Connector(ConnectorError::Cancelled) => return Self::Interrupted,
            Failure::Connector(ConnectorError::Auth { message }) => {
                return Self::NeedsReauth(message);
            }
            Failure::Connector(ConnectorError::RateLimited { retry_after }) => {
                (retry_after, "the service asks for fewer requests".to_owned())
            }
            Failure::Connector(error @ ConnectorError::Transient { .. }) => {
                (Duration::ZERO, error.to_string())
            }
            Failure::Connector(lasting) => return Self::Lasting(lasting.to_string()),
            Failure::Timeout(limit) => {
                let seconds = limit.as_secs();
                (Duration::ZERO, format!("the service did not answer within {seconds} seconds"))
            }
            Failure::Panicked => (Duration::ZERO, "the connector broke".to_owned()),
        };
        Self::Passing { pause, message }
    }
}

fn after(now: DateTime<Utc>, pause: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::days(1))
}
