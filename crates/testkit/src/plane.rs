//! The product under test, as the processes that a user would run.
//!
//! `embedded` is `patchbay up`; `distributed` is one process for each role on the servers of the test run, behind an
//! nginx with the locations that we ship. A test that works on one works on the other: it sees only [`UpFacts`].

mod config;
mod distributed;
mod embedded;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

pub use self::config::PlaneConfig;
use self::{config::RoleCommand, distributed::Backing};
use crate::{Error, Http, Services, process, process::Process};

/// How long a role may take from its start to its first good answer, on a busy machine.
const START_LIMIT: Duration = Duration::from_mins(1);
/// How long a role may take to drain and end.
const STOP_LIMIT: Duration = Duration::from_secs(25);

/// What a process of the product does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Everything, as `patchbay up` runs it.
    All,
    Api,
    Worker,
    Gateway,
}

/// How to reach a running product: what `patchbay up` writes to `up.json`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpFacts {
    pub console_url: String,
    pub sign_in_url: String,
    pub graphql_url: String,
    pub mcp_url: String,
    pub api_key: String,
    pub tenant: String,
}

/// The running product.
pub struct TestPlane {
    /// How to reach it.
    pub facts: UpFacts,
    /// A client for it.
    pub http: Http,
    roles: BTreeMap<Role, Running>,
    // What a distributed plane stands on; it ends after the roles.
    backing: Option<Backing>,
    directory: TempDir,
}

struct Running {
    command: RoleCommand,
    process: Process,
}

// === impl Role ===

impl Role {
    /// The word on the command line, and the name of the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::All => "all",
            Role::Api => "api",
            Role::Worker => "worker",
            Role::Gateway => "gateway",
        }
    }
}

// === impl UpFacts ===

impl UpFacts {
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::File { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|source| Error::Json { text: text.to_owned(), source })
    }

    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|source| Error::Json { text: String::new(), source })?;
        std::fs::write(path, text).map_err(|source| Error::File { path: path.to_owned(), source })
    }
}

// === impl TestPlane ===

impl TestPlane {
    /// `patchbay up` with the usual settings.
    pub async fn embedded(binary: &Path) -> Result<Self, Error> {
        PlaneConfig::new(binary).embedded().await
    }

    /// The three roles with the usual settings.
    pub async fn distributed(binary: &Path, services: &Services) -> Result<Self, Error> {
        PlaneConfig::new(binary).distributed(services).await
    }

    /// Where the plane keeps its files and logs.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The database of a distributed plane.
    pub fn database(&self) -> Option<&crate::services::TestDatabase> {
        self.backing.as_ref().map(Backing::database)
    }

    /// Whether the plane runs as several processes.
    pub fn is_distributed(&self) -> bool {
        self.backing.is_some()
    }

    /// Runs another command of the product with the plane's configuration, and returns what it printed.
    pub async fn command(&self, arguments: &[&str]) -> Result<String, Error> {
        let running = self
            .roles
            .values()
            .next()
            .ok_or(Error::Refused { message: "the plane has been stopped".to_owned() })?;
        running.command.other(arguments).await
    }

    /// Process id of a role; of the only process for an embedded plane.
    pub fn process_id(&self, role: Role) -> Option<u32> {
        self.running(role).map(|running| running.process.id())
    }

    /// SIGKILL: the role ends without a chance to clean up.
    pub fn kill_role(&mut self, role: Role) {
        if let Some(running) = self.running_mut(role) {
            running.process.kill();
        }
    }

    /// Sends a signal to a role, for example SIGSTOP.
    pub fn signal_role(&mut self, role: Role, signal: Signal) {
        if let Some(running) = self.running_mut(role) {
            running.process.signal(signal);
        }
    }

    /// Asks a role to end and waits for it; `None` when it had to be ended by force.
    pub async fn stop_role(&mut self, role: Role) -> Option<std::process::ExitStatus> {
        self.running_mut(role)?.process.stop(STOP_LIMIT).await
    }

    /// Starts a role again that was killed or stopped, on the same ports and data.
    pub async fn restart_role(&mut self, role: Role) -> Result<(), Error> {
        let http = self.http.clone();
        let Some(running) = self.running_mut(role) else { return Ok(()) };
        running.process.stop(STOP_LIMIT).await;
        running.process = running.command.start(&http).await?;
        Ok(())
    }

    /// Everything that a role wrote to its log.
    pub fn log(&self, role: Role) -> String {
        self.running(role).map(|running| running.process.log_text()).unwrap_or_default()
    }

    /// Everything that all roles wrote to their logs, for a search of what must not be there.
    pub fn logs(&self) -> String {
        self.roles.values().map(|running| running.process.log_text()).collect()
    }

    /// The last part of each role's log.
    pub fn log_tails(&self) -> Vec<(&'static str, String)> {
        self.roles
            .iter()
            .map(|(role, running)| (role.as_str(), running.process.log_tail()))
            .collect()
    }

    /// Ends all roles as a user would (SIGTERM) and fails when one does not end by itself in time.
    pub async fn stop(mut self) -> Result<(), Error> {
        let mut late = Vec::new();
        for (role, running) in &mut self.roles {
            if running.process.exited().is_none()
                && running.process.stop(STOP_LIMIT).await.is_none()
            {
                late.push((role.as_str(), running.process.log_tail()));
            }
        }
        match late.pop() {
            None => Ok(()),
            Some((name, log)) => {
                Err(Error::NotReady { name: format!("end of {name}"), waited: STOP_LIMIT, log })
            }
        }
    }

    fn running(&self, role: Role) -> Option<&Running> {
        self.roles.get(&role).or_else(|| self.roles.get(&Role::All))
    }

    fn running_mut(&mut self, role: Role) -> Option<&mut Running> {
        let role = if self.roles.contains_key(&role) { role } else { Role::All };
        self.roles.get_mut(&role)
    }
}

impl Drop for TestPlane {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for running in self.roles.values() {
                process::dump(running.process.name(), &running.process.log_tail());
            }
        }
    }
}

/// The log file of a role.
fn log_path(directory: &Path, role: Role) -> PathBuf {
    directory.join(format!("{}.log", role.as_str()))
}
