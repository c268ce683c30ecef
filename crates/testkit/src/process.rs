//! Child processes that end with the value that started them, with their output in a file.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use crate::Error;

/// How often something is asked whether it is ready or gone.
const POLL: Duration = Duration::from_millis(20);
/// How much of a log is shown in an error.
const LOG_TAIL_BYTES: u64 = 6_000;
/// How long a process may take to end when it is dropped.
const DROP_GRACE: Duration = Duration::from_secs(5);

/// A running child process.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    stop_signal: Signal,
    grace: Duration,
}

// === impl Process ===

impl Process {
    /// Starts the command with standard output and error in `log` (appended, so that a restart keeps the first part).
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self, Error> {
        let spawn_error = |source| Error::Spawn { name: name.to_owned(), source };
        let output = File::options().create(true).append(true).open(log).map_err(spawn_error)?;
        let errors = output.try_clone().map_err(spawn_error)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(spawn_error)?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
            stop_signal: Signal::TERM,
            grace: DROP_GRACE,
        })
    }

    /// Asks for the end by this signal instead of SIGTERM.
    #[must_use]
    pub fn stopped_by(mut self, signal: Signal) -> Self {
        self.stop_signal = signal;
        self
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The last part of the output.
    pub fn log_tail(&self) -> String {
        log_tail(&self.log)
    }

    /// Everything that the process wrote so far.
    pub fn log_text(&self) -> String {
        std::fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Sends a signal; one to a process that has ended is no error.
    pub fn signal(&mut self, signal: Signal) {
        if self.exited().is_none()
            && let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
        {
            // It may end in this very moment, which is what most signals are for.
            let _ = kill_process(pid, signal);
        }
    }

    /// How it ended, if it did.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Polls `ready` until it says yes. Fails when the time is over or the process ends first.
    pub async fn wait_ready(
        &mut self,
        limit: Duration,
        mut ready: impl AsyncFnMut() -> bool,
    ) -> Result<(), Error> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.exited() {
                return Err(Error::Ended {
                    name: self.name.clone(),
                    status: status.to_string(),
                    log: self.log_tail(),
                });
            }
            if ready().await {
                return Ok(());
            }
            if start.elapsed() > limit {
                return Err(Error::NotReady {
                    name: self.name.clone(),
                    waited: limit,
                    log: self.log_tail(),
                });
            }
            sleep(POLL).await;
        }
    }

    /// Waits for the end by itself; `None` when the time is over first.
    pub async fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            match self.exited() {
                None if start.elapsed() < limit => sleep(POLL).await,
                outcome => return outcome,
            }
        }
    }

    /// Asks for the end, waits, and ends it by force when the time is over. `None` means that force was needed.
    pub async fn stop(&mut self, limit: Duration) -> Option<ExitStatus> {
        self.signal(self.stop_signal);
        let outcome = self.wait(limit).await;
        if outcome.is_none() {
            self.kill();
        }
        outcome
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.exited().is_some() {
            return;
        }
        self.signal(self.stop_signal);
        let mut waited = Duration::ZERO;
        while self.exited().is_none() && waited < self.grace {
            // Drop cannot await.
            std::thread::sleep(POLL);
            waited += POLL;
        }
        self.kill();
    }
}

/// The last part of a log file; empty when there is none.
pub fn log_tail(path: &Path) -> String {
    fn read(path: &Path) -> io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
    read(path).unwrap_or_default()
}

/// Runs a short command to its end and returns what it printed.
pub async fn run(command: &mut tokio::process::Command) -> Result<String, Error> {
    let text = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|source| Error::Spawn { name: text.clone(), source })?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Error::Command {
        command: text,
        status: output.status.to_string(),
        output: format!("{printed}{errors}"),
    })
}

/// Finds a program in the search path or in the given directories that Debian keeps out of it.
pub fn find_program(name: &str, more: &[&str]) -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the search path is the system's, not a setting of the product"
    )]
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(more.iter().copied())
        .map(|directory| Path::new(directory).join(name))
        .find(|candidate| candidate.is_file())
}

/// Writes to standard error what a failed test needs to be understood.
pub(crate) fn dump(title: &str, text: &str) {
    // Nothing is left to tell when standard error itself is closed.
    let _ = writeln!(io::stderr(), "---- {title} ----\n{text}");
}

/// Sends SIGTERM to a process that somebody else started; `None` and a process that is gone are no error.
pub fn terminate(id: Option<u32>) {
    if let Some(pid) = id.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::TERM);
    }
}
