//! The product as its users meet it: the built binary, over HTTP, as one process and as three.
//!
//! Every topic is one function over a running plane and two tests, one for each topology.

mod audit;
mod bad_input;
mod canary;
mod client;
mod collector;
mod crash;
mod journey;
mod start;
mod stop;
mod telemetry;

use std::{path::Path, time::Duration};

use testkit::{Services, TestPlane, plane::PlaneConfig};
use tokio::time::Instant;

/// Longest that a test waits for something that takes no noticeable time when all is well.
const DEADLINE: Duration = Duration::from_secs(40);

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_patchbay"))
}

fn services() -> Services {
    Services::from_env().expect("the servers of `make test`")
}

/// A plane whose connectors may read these documents.
fn config(documents: &Path) -> PlaneConfig {
    PlaneConfig::new(binary()).file_root(documents)
}

async fn embedded(config: PlaneConfig) -> TestPlane {
    config.embedded().await.expect("the product in one process")
}

async fn distributed(config: PlaneConfig) -> TestPlane {
    config.distributed(&services()).await.expect("the product in three roles")
}

/// Asks again until there is an answer.
async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen in time");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
