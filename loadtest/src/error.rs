//! Why a measurement could not be made.

use std::io;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the test bench could not be set up")]
    Bench(#[from] testkit::Error),
    #[error("`{url}` is no URL of an MCP endpoint")]
    Url { url: String },
    #[error("a request could not be put together")]
    Request(#[source] http::Error),
    #[error("a connection failed in the middle of the measurement")]
    Connection(#[source] hyper::Error),
    #[error(
        "{scenario}: the answer was {status}, and no measurement of failures is worth anything: {body}"
    )]
    Refused { scenario: String, status: u16, body: String },
    #[error("{scenario}: {failed} of {sent} requests failed")]
    Failed { scenario: String, failed: u64, sent: u64 },
    #[error("input or output failed")]
    Io(#[from] io::Error),
    #[error("the report could not be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error("the budget file is not right")]
    Budget(#[source] toml::de::Error),
    #[error("over budget:\n{}", .lines.join("\n"))]
    OverBudget { lines: Vec<String> },
    #[error("a latency is out of the histogram's range")]
    Histogram(#[from] hdrhistogram::RecordError),
    #[error("a histogram could not be made")]
    HistogramSize(#[from] hdrhistogram::CreationError),
    #[error("{what} did not happen in time")]
    Late { what: &'static str },
    #[error("the thread that keeps the rate ended early")]
    Pacer,
}
