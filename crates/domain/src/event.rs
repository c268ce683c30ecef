//! Signals between the roles: hints that something changed. Losing one costs seconds, never correctness.

use serde::{Deserialize, Serialize};

use crate::{InstallId, RunId, TenantId};

/// Something that another role may want to know at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// Installs, endpoints, keys or members of a tenant changed: its route snapshot is stale.
    RouteChanged { tenant: TenantId },
    /// A page of a run was committed, or the run changed state: read it again.
    RunChanged { tenant: TenantId, install: InstallId, run: RunId },
    /// Synced data of an install changed: cached results over it are stale.
    DataChanged { tenant: TenantId, install: InstallId },
}

// === impl Event ===

impl Event {
    pub const fn tenant(&self) -> TenantId {
        match self {
            Event::RouteChanged { tenant }
            | Event::RunChanged { tenant, .. }
            | Event::DataChanged { tenant, .. } => *tenant,
        }
    }
}
