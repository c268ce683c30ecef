//! The commands of the binary, one per file, and the only place where their errors become words for a person.

pub(crate) mod audit;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod keys;
pub(crate) mod migrate;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod set_up;
pub(crate) mod sign_in_link;
pub(crate) mod up;

use std::{
    error::Error,
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
};

use crate::{settings::SettingsError, topology::TopologyError};

/// Why a command did not do what it was asked. Each message says what to do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Topology(#[from] TopologyError),
    #[error(
        "{address} is taken by another process: stop that one, or choose another port (`--port`, `server.listen`)"
    )]
    PortTaken { address: SocketAddr },
    #[error("cannot listen on {address}")]
    Bind {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error(
        "the directory {path} cannot be written: make it writable for this user, or choose another by `--data-dir`"
    )]
    DataDir {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "another Patchbay process is using {path}: stop it first, or give this one its own directory by `--data-dir`"
    )]
    DataDirInUse { path: PathBuf },
    #[error(
        "{path} holds no data of Patchbay: give the directory of `patchbay up` by `--data-dir`, or start that first"
    )]
    NoData { path: PathBuf },
    #[error("the directory {path} given by `--files` does not exist")]
    FilesRoot {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the database could not be used (`database.url`)")]
    Store(#[from] store::Error),
    #[error("the queue or the cache could not be used (`queue.url`, `cache.url`)")]
    Backplane(#[from] backplane::Error),
    #[error("the vault could not be opened (`vault.key_file`)")]
    Vault(#[from] vault::Error),
    #[error("telemetry could not be started")]
    Telemetry(#[from] telemetry::Error),
    #[error("Patchbay refused a step of the set-up")]
    Control(#[from] control::Error),
    #[error("the worker stopped")]
    Worker(#[from] worker::Error),
    #[error("the gateway could not be built")]
    Gateway(#[from] gateway::Error),
    #[error("there is no organisation `{slug}` here: `patchbay set-up` makes one")]
    NoTenant { slug: String },
    #[error(
        "give the public keys by `--public-key`: `patchbay audit keys` or `/api/v1/audit-keys` names them"
    )]
    NoAuditKey,
    #[error("the export {path} cannot be read")]
    AuditFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the audit log of {log} was tampered with: first bad entry {}", .broken.seq())]
    AuditBroken {
        log: String,
        #[source]
        broken: domain::audit::Broken,
    },
    #[error("generated files are not current: {}; run `make generate` and commit the result", .paths.join(", "))]
    Stale { paths: Vec<String> },
    #[error("{failed} of the checks failed")]
    Unhealthy { failed: usize },
    #[error("the asynchronous runtime could not be started")]
    Runtime(#[source] io::Error),
    #[error("no TLS provider could be set for this process")]
    Tls,
    #[error("input or output failed")]
    Io(#[from] io::Error),
    #[error("a generated document could not be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error("a generated document could not be written as TOML")]
    Toml(#[from] toml::ser::Error),
}

/// Prints the error with its causes and gives the exit code: 2 for what the caller can change, 1 for the rest.
pub(crate) fn report(error: &CommandError) -> ExitCode {
    let mut text = format!("patchbay: {error}\n");
    for cause in causes(error) {
        text = format!("{text}  because: {cause}\n");
    }
    // Nothing is left to tell if standard error itself is closed.
    let _ = io::stderr().write_all(text.as_bytes());
    match error {
        CommandError::Settings(_)
        | CommandError::Topology(_)
        | CommandError::PortTaken { .. }
        | CommandError::DataDir { .. }
        | CommandError::DataDirInUse { .. }
        | CommandError::NoData { .. }
        | CommandError::NoTenant { .. }
        | CommandError::NoAuditKey
        | CommandError::AuditFile { .. }
        | CommandError::FilesRoot { .. } => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}

/// The causes of an error, the nearest first. Libraries that repeat a cause in their own message are not quoted twice.
fn causes(error: &dyn Error) -> Vec<String> {
    let mut said = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if said.last().is_none_or(|last| !last.ends_with(&text)) {
            said.push(text);
        }
        cause = inner.source();
    }
    said.split_off(1)
}

/// Writes a command's result to standard output.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Resolves when the process is asked to stop (Ctrl-C or SIGTERM).
pub(crate) async fn stop_requested() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome,
        _ = terminate.recv() => Ok(()),
    }
}
