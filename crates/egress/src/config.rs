//! What the operator lets outgoing requests reach.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the operator lets outgoing requests reach, and how long and large they may be.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether connectors may reach private, loopback and other reserved networks. Only for machines whose network holds nothing that tenants must not see. Env: `PATCHBAY__EGRESS__ALLOW_PRIVATE_NETWORKS`
    pub allow_private_networks: bool,
    /// Longest that one request may take, in seconds. Env: `PATCHBAY__EGRESS__TIMEOUT_SECONDS`
    pub timeout_seconds: u64,
    /// Largest answer that is taken, in bytes. Env: `PATCHBAY__EGRESS__MAX_RESPONSE_BYTES`
    pub max_response_bytes: u64,
    /// Name servers that are asked for the DNS records by which organisations prove their domains, as `address:port`; none asks those of the system. Env: `PATCHBAY__EGRESS__NAME_SERVERS`
    pub name_servers: Vec<SocketAddr>,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            allow_private_networks: false,
            timeout_seconds: 60,
            max_response_bytes: 32 * 1024 * 1024,
            name_servers: Vec::new(),
        }
    }
}
