//! What a test wants of its plane, and the command lines that follow from it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{Role, START_LIMIT, log_path};
use crate::{Error, Http, process, process::Process};

/// What a test wants of its plane.
#[derive(Debug, Clone)]
pub struct PlaneConfig {
    pub(super) binary: PathBuf,
    pub(super) settings: Vec<(String, String)>,
    pub(super) file_roots: Vec<PathBuf>,
    pub(super) allow_private_networks: bool,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) working_directory: Option<PathBuf>,
}

/// How a role is started, again and again.
#[derive(Debug, Clone)]
pub(super) struct RoleCommand {
    pub(super) role: Role,
    pub(super) binary: PathBuf,
    /// Before the subcommand: the configuration file.
    pub(super) global: Vec<String>,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) working_directory: PathBuf,
    pub(super) directory: PathBuf,
    /// Answers 2xx when the role is ready.
    pub(super) health_url: String,
}

// === impl PlaneConfig ===

impl PlaneConfig {
    /// The usual settings: connectors may reach this machine, where the tests' servers are.
    pub fn new(binary: &Path) -> Self {
        Self {
            binary: binary.to_owned(),
            settings: Vec::new(),
            file_roots: Vec::new(),
            allow_private_networks: true,
            data_dir: None,
            working_directory: None,
        }
    }

    /// A setting of the product, as its environment variable without `PATCHBAY__`: `("GATEWAY__REQUESTS_PER_MINUTE", "3")`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((format!("PATCHBAY__{name}"), value.to_owned()));
        self
    }

    /// A directory that the file-system connector may read.
    #[must_use]
    pub fn file_root(mut self, path: &Path) -> Self {
        self.file_roots.push(path.to_owned());
        self
    }

    /// The operator forbids private networks, as is the default of the product.
    #[must_use]
    pub fn forbid_private_networks(mut self) -> Self {
        self.allow_private_networks = false;
        self
    }

    /// An embedded plane keeps its data here, and finds what an earlier one left.
    #[must_use]
    pub fn data_dir(mut self, path: &Path) -> Self {
        self.data_dir = Some(path.to_owned());
        self
    }

    /// Where the product is started, as a user's shell would be: the repository for its own documents.
    #[must_use]
    pub fn working_directory(mut self, path: &Path) -> Self {
        self.working_directory = Some(path.to_owned());
        self
    }
}

// === impl RoleCommand ===

impl RoleCommand {
    /// Starts the role and waits until it says that it is ready.
    pub(super) async fn start(&self, http: &Http) -> Result<Process, Error> {
        let mut command = Command::new(&self.binary);
        command.args(&self.global).args(&self.arguments).current_dir(&self.working_directory);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let log = log_path(&self.directory, self.role);
        let mut process = Process::start(self.role.as_str(), &mut command, &log)?;
        process
            .wait_ready(START_LIMIT, async || {
                http.get(&self.health_url, &[]).await.is_ok_and(|reply| reply.status.is_success())
            })
            .await?;
        Ok(process)
    }

    /// Runs another command of the product with the same configuration to its end.
    pub(super) async fn other(&self, arguments: &[&str]) -> Result<String, Error> {
        let mut command = tokio::process::Command::new(&self.binary);
        command.args(&self.global).args(arguments).current_dir(&self.working_directory);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        process::run(&mut command).await
    }
}
