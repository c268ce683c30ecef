//! `patchbay up` in a temporary directory.

use std::collections::BTreeMap;

use super::{PlaneConfig, Role, RoleCommand, Running, TestPlane, UpFacts};
use crate::{Error, Http, ports};

impl PlaneConfig {
    /// Starts everything in one process.
    pub async fn embedded(&self) -> Result<TestPlane, Error> {
        let directory = tempfile::Builder::new().prefix("patchbay-plane-").tempdir()?;
        let data_dir = self.data_dir.clone().unwrap_or_else(|| directory.path().join("data"));
        let port = ports::free_port()?;
        let mut arguments = vec![
            "up".to_owned(),
            "--data-dir".to_owned(),
            data_dir.display().to_string(),
            "--port".to_owned(),
            port.to_string(),
        ];
        for root in &self.file_roots {
            arguments.extend(["--files".to_owned(), root.display().to_string()]);
        }
        if self.allow_private_networks {
            arguments.push("--allow-private-networks".to_owned());
        }
        let command = RoleCommand {
            role: Role::All,
            binary: self.binary.clone(),
            global: Vec::new(),
            arguments,
            environment: self.settings.clone(),
            working_directory: self
                .working_directory
                .clone()
                .unwrap_or_else(|| directory.path().to_owned()),
            directory: directory.path().to_owned(),
            health_url: format!("http://127.0.0.1:{port}/health/ready"),
        };
        let http = Http::new();
        let process = command.start(&http).await?;
        let facts = UpFacts::read(&data_dir.join("up.json"))?;
        Ok(TestPlane {
            facts,
            http,
            roles: BTreeMap::from([(Role::All, Running { command, process })]),
            backing: None,
            directory,
        })
    }
}
