//! How long the product takes to be there again: from the start of the process on existing data to the first answered
//! call; with what it weighs while it waits.

use std::{path::Path, time::Duration};

use serde_json::json;
use testkit::{
    mcp::Mcp,
    plane::{PlaneConfig, Role},
};
use tokio::time::{Instant, sleep};

use crate::{
    error::Error,
    process::{file_bytes, resident_kib},
    report::StartFigures,
};

/// After this long without traffic a process is idle.
const IDLE: Duration = Duration::from_secs(3);

pub(crate) async fn measure(binary: &Path, rounds: usize) -> Result<StartFigures, Error> {
    let data = tempfile::Builder::new().prefix("patchbay-loadtest-data-").tempdir()?;
    let config = PlaneConfig::new(binary).data_dir(data.path());
    let first = timed_start(&config).await?;
    let mut later = Vec::new();
    for _ in 0..rounds {
        later.push(timed_start(&config).await?);
    }
    later.sort();
    let plane = config.embedded().await?;
    sleep(IDLE).await;
    let idle_kib = plane.process_id(Role::All).and_then(resident_kib).unwrap_or_default();
    plane.stop().await?;
    Ok(StartFigures {
        first_start_millis: millis(first),
        second_start_millis: later.get(later.len() / 2).copied().map(millis).unwrap_or_default(),
        idle_kib,
        binary_bytes: file_bytes(binary).unwrap_or_default(),
    })
}

/// From before the process exists to the answer to `tools/list`.
async fn timed_start(config: &PlaneConfig) -> Result<Duration, Error> {
    let start = Instant::now();
    let plane = config.embedded().await?;
    let mcp = Mcp::new(&plane.http, &plane.facts.mcp_url, &plane.facts.api_key);
    mcp.modern("tools/list", json!({})).await?;
    let elapsed = start.elapsed();
    plane.stop().await?;
    Ok(elapsed)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
