//! Both kinds of each wire, the networked ones against real servers.

mod cache;
mod proxy;
mod queue;
mod signal;

use std::time::Duration;

use backplane::CacheConfig;

/// Longest that anything here may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// Address of a server that `make test` started.
fn server(variable: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "the services starter hands addresses over so")]
    let url = std::env::var(variable);
    url.unwrap_or_else(|_| panic!("{variable} is not set: run these tests by `make test`"))
}

fn redis(url: String) -> CacheConfig {
    CacheConfig { url, timeout_ms: 1000, ..CacheConfig::default() }
}
