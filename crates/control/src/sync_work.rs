//! Which run is carried out, by which attempt, and how it is held against others.

use connector_sdk::Next;
use domain::{
    Granted, Install, InstallId, RunId, SyncRun, SystemReason, TenantId,
    authz::{Permission, permission::InstallRead},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Progress, Tx};

use crate::Error;

/// What stands in a run's `cursor`: the connector's own, and which attempt got that far.
/// Attempts that add no page are what a run gives up after; one that gets further starts the count anew.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) cursor: Value,
    pub(crate) attempt: i32,
}

/// Which run is carried out, by which attempt.
pub(crate) struct Work {
    pub(crate) tenant: TenantId,
    pub(crate) install: InstallId,
    pub(crate) run: RunId,
    pub(crate) attempt: i32,
    pub(crate) request_id: String,
}

// === impl Work ===

impl Work {
    pub(crate) fn granted<P: Permission>(&self) -> Granted<P> {
        granted(self.tenant, &self.request_id)
    }

    /// The install; `None` when somebody has removed it.
    pub(crate) async fn find_install(&self, tx: &Tx) -> Result<Option<Install>, Error> {
        let reading = self.granted::<InstallRead>();
        match tx.installs().lookup(&reading, self.install).await {
            Err(store::Error::NotFound) => Ok(None),
            found => Ok(Some(found?)),
        }
    }

    /// The run, locked for the rest of the transaction, if this attempt still carries it out: nobody ends or takes it over meanwhile.
    pub(crate) async fn hold(&self, tx: &Tx) -> Result<Option<SyncRun>, Error> {
        let nothing_yet = Progress::default();
        let run = match tx.runs().advance(&self.granted(), self.run, nothing_yet).await {
            Err(store::Error::NotFound | store::Error::Conflict { .. }) => return Ok(None),
            run => run?,
        };
        if run.attempt == self.attempt {
            return Ok(Some(run));
        }
        tracing::warn!(run.id = %run.id, "Another worker has taken the run over: what came late is thrown away");
        Ok(None)
    }

    pub(crate) fn checkpoint(&self, next: &Next) -> Option<Value> {
        match next {
            Next::Continue(cursor) => Some(json!({ "cursor": cursor, "attempt": self.attempt })),
            Next::Finished { .. } => None,
        }
    }
}

/// The grant of whoever carries a run out, or ends one for somebody who may.
pub(crate) fn granted<P: Permission>(tenant: TenantId, request_id: &str) -> Granted<P> {
    Granted::system(SystemReason::RunJob, tenant, request_id)
}
