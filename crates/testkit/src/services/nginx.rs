//! A real nginx for one test, started on a configuration of the test's own.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{net::TcpStream, process::Command};

use super::tied_command;
use crate::{Error, process, process::Process};

const START_LIMIT: Duration = Duration::from_secs(20);

/// A running nginx.
#[derive(Debug)]
pub struct Nginx {
    process: Process,
    directory: PathBuf,
}

// === impl Nginx ===

impl Nginx {
    /// Checks the main configuration with `nginx -t` and starts it; ready when `port` takes connections.
    ///
    /// `directory` is the prefix: relative paths in the configuration start there.
    pub async fn start(
        program: &Path,
        directory: &Path,
        config: &str,
        port: u16,
    ) -> Result<Self, Error> {
        Self::check(program, directory, config).await?;
        let mut command = tied_command(program, None, "QUIT");
        command.args(arguments(directory)).args(["-g", "daemon off;"]);
        let mut process = Process::start("nginx", &mut command, &directory.join("nginx.log"))?;
        process
            .wait_ready(START_LIMIT, async || TcpStream::connect(("127.0.0.1", port)).await.is_ok())
            .await?;
        Ok(Self { process, directory: directory.to_owned() })
    }

    /// Writes the configuration and lets nginx judge it.
    pub async fn check(program: &Path, directory: &Path, config: &str) -> Result<String, Error> {
        std::fs::create_dir_all(directory)?;
        std::fs::write(config_path(directory), config)?;
        let mut command = Command::new(program);
        command.arg("-t").args(arguments(directory));
        process::run(&mut command).await
    }

    /// Process id of the master; the workers are its children.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What nginx logged.
    pub fn log(&self) -> String {
        let errors = std::fs::read_to_string(self.directory.join("error.log")).unwrap_or_default();
        format!("{}{errors}", self.process.log_text())
    }

    /// Lets running requests end, then ends it by force.
    pub async fn stop(mut self) {
        self.process.stop(Duration::from_secs(5)).await;
    }
}

/// Replaces `{{NAME}}` by its value. A name that the text does not have is an error of the test, and so is one left over.
pub fn render(template: &str, values: &[(&str, &str)]) -> Result<String, Error> {
    let mut text = template.to_owned();
    for (name, value) in values {
        let mark = format!("{{{{{name}}}}}");
        if !text.contains(&mark) {
            return Err(Error::Refused { message: format!("the template has no {mark}") });
        }
        text = text.replace(&mark, value);
    }
    match text.find("{{") {
        None => Ok(text),
        Some(at) => {
            let left = text.get(at..).unwrap_or_default().chars().take(40).collect::<String>();
            Err(Error::Refused { message: format!("the template still has {left}") })
        }
    }
}

fn config_path(directory: &Path) -> PathBuf {
    directory.join("nginx.conf")
}

fn arguments(directory: &Path) -> [std::ffi::OsString; 6] {
    let mut prefix = directory.as_os_str().to_owned();
    prefix.push("/");
    [
        "-p".into(),
        prefix,
        "-c".into(),
        config_path(directory).into(),
        // Before the configuration is read nginx would write to the system's log.
        "-e".into(),
        directory.join("error.log").into(),
    ]
}
