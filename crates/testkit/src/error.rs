//! Why a part of the test bench could not do its work.

use std::{io, path::PathBuf, time::Duration};

/// Why a part of the test bench could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{program}` is not installed: {hint}")]
    Missing { program: &'static str, hint: &'static str },
    #[error(
        "`{variable}` is not set: run the tests as `cargo run -p testkit --bin services -- <command>`, as `make test` does"
    )]
    NoServices { variable: &'static str },
    #[error("`{name}` could not be started")]
    Spawn {
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("`{name}` was not ready after {waited:?}; its log ends with:\n{log}")]
    NotReady { name: String, waited: Duration, log: String },
    #[error("`{name}` ended with {status} before it was ready; its log ends with:\n{log}")]
    Ended { name: String, status: String, log: String },
    #[error("`{command}` failed with {status}:\n{output}")]
    Command { command: String, status: String, output: String },
    #[error("{path} could not be used")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "all {slots} slots of the shared servers are taken: lower the number of tests that run at once"
    )]
    NoSlot { slots: usize },
    #[error("input or output failed")]
    Io(#[from] io::Error),
    #[error("{method} {url} could not be sent")]
    Request {
        method: String,
        url: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("not JSON: {text}")]
    Json {
        text: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("the server refused: {message}")]
    Refused { message: String },
}
