//! Syncs whose time has come.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Granted, Install, Principal, SyncRun, SystemReason, Tenant, TenantId,
    authz::{
        Permission,
        permission::{InstallRead, SyncRun as RunSync},
    },
};
use serde_json::json;
use store::NewAudit;

use crate::{
    Control, Error,
    audit::{Deed, action},
    syncs::NewSync,
};

const REQUEST_ID: &str = "scheduler";
/// One in this many parts of its interval is what an install's syncs are moved by at most, so that a thousand installs made in
/// one minute do not start together for ever.
const SPREAD: i64 = 10;

// === impl Control ===

impl Control {
    /// Starts every automatic sync that is due. Returns how many. Two schedulers at once start nothing twice: a second unfinished
    /// run of an install is refused by the database.
    ///
    /// # Errors
    /// [`Error::Internal`] when the organisations cannot be listed; a fault at one of them is logged and does not keep the others waiting.
    pub async fn schedule_due_syncs(&self) -> Result<usize, Error> {
        let mut started = 0;
        for tenant in self.store().directory().list_tenants().await? {
            match self.schedule_tenant(&tenant).await {
                Ok(count) => started += count,
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    tenant.id = %tenant.id,
                    "The syncs of an organisation could not be scheduled"
                ),
            }
        }
        Ok(started)
    }

    async fn schedule_tenant(&self, tenant: &Tenant) -> Result<usize, Error> {
        let reading: Granted<InstallRead> = granted(tenant.id);
        let tx = self.store().read(&reading).await?;
        let installs = tx.installs().list_active(&reading).await?;
        let scheduled: Vec<_> = installs
            .into_iter()
            .filter(|install| install.sync_interval_seconds.is_some())
            .collect();
        let ids: Vec<_> = scheduled.iter().map(|install| install.id).collect();
        let latest = tx.runs().latest(&reading, &ids).await?;
        drop(tx);
        let now = self.now();
        let mut started = 0;
        for install in scheduled {
            let run = latest.iter().find(|run| run.install == install.id);
            if is_due(&install, run, now) && self.start_scheduled(&install).await? {
                started += 1;
            }
        }
        Ok(started)
    }

    /// `false` when somebody else started one in the meantime.
    async fn start_scheduled(&self, install: &Install) -> Result<bool, Error> {
        let running: Granted<RunSync> = granted(install.tenant);
        let tx = self.store().begin(&running).await?;
        match self.check_startable(&tx, &granted(install.tenant), install.id).await {
            Ok(()) => {}
            Err(Error::Conflict { .. } | Error::NotFound | Error::Invalid { .. }) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        let enqueued = match self.enqueue_sync(&tx, &running, &NewSync::scheduled(install.id)).await
        {
            Err(Error::Conflict { .. }) => return Ok(false),
            enqueued => enqueued?,
        };
        let deed = Deed::on(action::SYNC_START, &install.id);
        let actor = Principal::System(SystemReason::ScheduleSync);
        let entry = self.audit_by(&actor, REQUEST_ID, &deed).succeeded();
        let detail = json!({ "run": enqueued.run.id });
        tx.audit().append(&granted(install.tenant), NewAudit { detail, ..entry }).await?;
        tx.commit().await?;
        self.announce(Some(enqueued)).await;
        Ok(true)
    }
}

fn granted<P: Permission>(tenant: TenantId) -> Granted<P> {
    Granted::system(SystemReason::ScheduleSync, tenant, REQUEST_ID)
}

/// Due when the interval, and the install's own shift, have passed since the last run began.
fn is_due(install: &Install, latest: Option<&SyncRun>, now: DateTime<Utc>) -> bool {
    let Some(interval) = install.sync_interval_seconds else { return false };
    match latest {
        Some(run) if !run.state.is_final() => false,
        Some(run) => {
            now >= run.created_at + TimeDelta::seconds(interval + shift(install, interval))
        }
        None => true,
    }
}

/// Between 0 and a tenth of the interval: the same at every look, another for every install. The last bytes of a UUIDv7 are random.
fn shift(install: &Install, interval: i64) -> i64 {
    let bytes = install.id.uuid().into_bytes();
    let share = i64::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    interval * share / (SPREAD * i64::from(u16::MAX))
}
