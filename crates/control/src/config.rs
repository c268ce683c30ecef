//! Settings of the control plane.

use domain::audit::Overload;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rules of the control plane itself.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long a sign-in lasts, in hours. Env: `PATCHBAY__CONTROL__SESSION_HOURS`
    pub session_hours: u32,
    /// How long after a sign-in the settings of sign-in itself can be changed, in minutes; later the person signs in again first. Env: `PATCHBAY__CONTROL__RECENT_MINUTES`
    pub recent_minutes: u32,
    /// How long a one-time sign-in link can be used, in minutes. Env: `PATCHBAY__CONTROL__LINK_MINUTES`
    pub link_minutes: u32,
    /// Longest wait for a live tool, in seconds. Env: `PATCHBAY__CONTROL__TOOL_TIMEOUT_SECONDS`
    pub tool_timeout_seconds: u32,
    /// Longest wait for a connection check, in seconds. Env: `PATCHBAY__CONTROL__CHECK_TIMEOUT_SECONDS`
    pub check_timeout_seconds: u32,
    /// Longest wait for one page of a sync, in seconds. Env: `PATCHBAY__CONTROL__PAGE_TIMEOUT_SECONDS`
    pub page_timeout_seconds: u32,
    /// Tries in a row without a single new page after which a sync gives up. Env: `PATCHBAY__CONTROL__SYNC_ATTEMPTS`
    pub sync_attempts: u32,
    /// Wait before the second try of a sync, in milliseconds; it doubles with every further try. Env: `PATCHBAY__CONTROL__RETRY_BASE_MILLISECONDS`
    pub retry_base_milliseconds: u32,
    /// Longest wait between two tries of a sync, in seconds. Env: `PATCHBAY__CONTROL__RETRY_MAX_SECONDS`
    pub retry_max_seconds: u32,
    /// Shortest interval of automatic syncs that may be set, in seconds. Env: `PATCHBAY__CONTROL__MIN_SYNC_INTERVAL_SECONDS`
    pub min_sync_interval_seconds: u32,
    /// How long a worker holds a job without a sign of life, in seconds. Env: `PATCHBAY__CONTROL__LEASE_SECONDS`
    pub lease_seconds: u32,
    /// How long a ring counts as on its way before the sweeper rings for the same job again, in milliseconds. Env: `PATCHBAY__CONTROL__RING_AGAIN_MILLISECONDS`
    pub ring_again_milliseconds: u32,
    /// Audit entries of MCP calls that can wait for being written. Env: `PATCHBAY__CONTROL__AUDIT_BUFFER`
    pub audit_buffer: usize,
    /// What happens to a call when no more can wait: `block` refuses it, `drop` serves it and writes into the log how many are missing. An organisation can choose for itself. Env: `PATCHBAY__CONTROL__AUDIT_OVERLOAD`
    pub audit_overload: Overload,
    /// Shortest time between two signed checkpoints of an organisation's audit log, in seconds. Env: `PATCHBAY__CONTROL__AUDIT_CHECKPOINT_SECONDS`
    pub audit_checkpoint_seconds: u32,
    /// Base of every address that AI clients are given, without a slash at its end. Not a setting of its own: whoever builds the control plane copies `server.public_url` here.
    #[serde(skip)]
    #[schemars(skip)]
    pub public_url: String,
    /// Not a setting of its own: whoever builds the control plane copies the section `sign_up` here.
    #[serde(skip)]
    #[schemars(skip)]
    pub sign_up: crate::SignUpConfig,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            session_hours: 12,
            recent_minutes: 30,
            link_minutes: 15,
            tool_timeout_seconds: 60,
            check_timeout_seconds: 20,
            page_timeout_seconds: 300,
            sync_attempts: 5,
            retry_base_milliseconds: 2_000,
            retry_max_seconds: 900,
            min_sync_interval_seconds: 60,
            lease_seconds: 20,
            ring_again_milliseconds: 20_000,
            audit_buffer: 10_000,
            audit_overload: Overload::Drop,
            audit_checkpoint_seconds: 300,
            public_url: "http://127.0.0.1:4480".to_owned(),
            sign_up: crate::SignUpConfig::default(),
        }
    }
}
