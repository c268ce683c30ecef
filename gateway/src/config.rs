//! Settings of the MCP door.

use std::{net::IpAddr, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the MCP door.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Web origins whose pages may call the MCP endpoint; programs send no origin and are not concerned. Env: `PATCHBAY__GATEWAY__ALLOWED_ORIGINS`
    pub allowed_origins: Vec<String>,
    /// Addresses of reverse proxies whose `X-Forwarded-For` is believed when policies look at where a request comes from. Env: `PATCHBAY__GATEWAY__TRUSTED_PROXIES`
    pub trusted_proxies: Vec<IpAddr>,
    /// Largest request body in bytes. Env: `PATCHBAY__GATEWAY__MAX_BODY_BYTES`
    pub max_body_bytes: usize,
    /// Requests per second that one API key may send for ever. Env: `PATCHBAY__GATEWAY__REQUESTS_PER_SECOND`
    pub requests_per_second: u32,
    /// Requests that one API key may send at once before that rate counts. Env: `PATCHBAY__GATEWAY__BURST`
    pub burst: u32,
    /// Hours that a session of a client of revision 2025-11-25 lives. Env: `PATCHBAY__GATEWAY__SESSION_HOURS`
    pub session_hours: u32,
    /// Most tools in one page of `tools/list`. Env: `PATCHBAY__GATEWAY__LIST_PAGE_SIZE`
    pub list_page_size: u32,
    /// Seconds for which the tool list of a remote server is used before it is asked again. Env: `PATCHBAY__GATEWAY__LIST_TTL_SECONDS`
    pub list_ttl_seconds: u32,
    /// Seconds that a remote server gets to list its tools; a list goes out without those that take longer. Env: `PATCHBAY__GATEWAY__LIST_TIMEOUT_SECONDS`
    pub list_timeout_seconds: u32,
    /// Seconds that a remote server gets to answer a tool call. Env: `PATCHBAY__GATEWAY__CALL_TIMEOUT_SECONDS`
    pub call_timeout_seconds: u32,
    /// Largest answer of a remote server in bytes. Env: `PATCHBAY__GATEWAY__MAX_ANSWER_BYTES`
    pub max_answer_bytes: u64,
    /// Most tools that are taken over from one remote server. Env: `PATCHBAY__GATEWAY__MAX_TOOLS_PER_INSTALL`
    pub max_tools_per_install: u32,
    /// Cached tool results that are kept in this process, in bytes. Env: `PATCHBAY__GATEWAY__CACHE_BYTES`
    pub cache_bytes: u64,
    /// Seconds after which an organisation's routes are read again even if no change was signalled. Env: `PATCHBAY__GATEWAY__REFRESH_SECONDS`
    pub refresh_seconds: u32,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            max_body_bytes: 1024 * 1024,
            requests_per_second: 50,
            burst: 200,
            session_hours: 24,
            list_page_size: 200,
            list_ttl_seconds: 60,
            list_timeout_seconds: 10,
            call_timeout_seconds: 60,
            max_answer_bytes: 16 * 1024 * 1024,
            max_tools_per_install: 1000,
            cache_bytes: 64 * 1024 * 1024,
            refresh_seconds: 30,
        }
    }
}

impl Config {
    pub(crate) fn session_lifetime(&self) -> Duration {
        Duration::from_secs(u64::from(self.session_hours) * 3600)
    }

    pub(crate) fn list_ttl(&self) -> Duration {
        Duration::from_secs(u64::from(self.list_ttl_seconds))
    }

    pub(crate) fn list_timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.list_timeout_seconds))
    }

    pub(crate) fn call_timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.call_timeout_seconds))
    }

    pub(crate) fn refresh_every(&self) -> Duration {
        Duration::from_secs(u64::from(self.refresh_seconds.max(1)))
    }
}
