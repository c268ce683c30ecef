//! The only way out: every request and every dial that a tenant can cause goes through here.
//!
//! The rules are applied to the address that is connected to, not to a name that was looked up before (no rebinding), and no
//! redirect is followed by itself: a caller sees it and decides.

mod address;
mod client;
mod config;
mod resolver;
mod txt;

use std::time::Duration;

pub use client::{Body, Egress};
pub use config::Config;

/// Bounds of one request, at most those of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the start to the last byte.
    pub timeout: Duration,
    /// Largest body that is taken, in bytes.
    pub max_response_bytes: u64,
}

/// Why a request did not come back with an answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "{host} is in a private or reserved network, which the operator of this Patchbay does not allow \
         (`egress.allow_private_networks`)"
    )]
    Forbidden { host: String },
    #[error("only http: and https: addresses without user name and password can be called")]
    Url,
    #[error("the name servers gave no answer about {name}")]
    NameServer {
        name: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the name {host} could not be resolved")]
    Resolve {
        host: String,
        #[source]
        source: std::io::Error,
    },
    #[error("no connection to {host} could be made")]
    Connect {
        host: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{host} did not answer in time")]
    Timeout { host: String },
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge { host: String, limit: u64 },
    #[error("the connection to {host} broke off")]
    Broken {
        host: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), max_response_bytes: 10 * 1024 * 1024 }
    }
}

// === impl Error ===

impl Error {
    /// True when another try may succeed without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Error::Forbidden { .. } | Error::Url | Error::TooLarge { .. })
    }
}
