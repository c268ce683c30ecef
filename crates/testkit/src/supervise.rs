//! A command that runs while something else is up, for the programs of this crate: what they started ends when the
//! command does, and when somebody asks the program itself to end.

use std::{
    io::{self, Write},
    process::{ExitCode, ExitStatus},
    time::Duration,
};

use tokio::{
    process::{Child, Command},
    signal::unix::{Signal, SignalKind, signal},
};

/// How long the command may take to end after it was asked to.
const COMMAND_GRACE: Duration = Duration::from_secs(30);
/// What shells give for a program that could not be started.
const NOT_STARTED: u8 = 127;

/// Signals that ask this program to end.
#[derive(Debug)]
pub struct Stop {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

// === impl Stop ===

impl Stop {
    /// From here on the signals no longer end the program by themselves.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Resolves to the exit code that shells give for the signal.
    pub async fn requested(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => 128 + 15,
            _ = self.interrupt.recv() => 128 + 2,
            _ = self.hang_up.recv() => 128 + 1,
        }
    }
}

/// Runs the command to its end and returns its exit code.
pub async fn run(command: &[String], environment: &[(&str, String)], stop: &mut Stop) -> u8 {
    let Some((program, arguments)) = command.split_first() else { return NOT_STARTED };
    let mut process = Command::new(program);
    process.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
    match process.spawn() {
        Ok(child) => watch(child, stop).await,
        Err(error) => {
            say(&format!("`{program}` could not be started: {error}"));
            NOT_STARTED
        }
    }
}

/// Waits for the command. When this program is asked to end, so is the command, and then by force.
async fn watch(mut child: Child, stop: &mut Stop) -> u8 {
    let asked = tokio::select! {
        status = child.wait() => return exit_code(&status),
        code = stop.requested() => code,
    };
    crate::process::terminate(child.id());
    if tokio::time::timeout(COMMAND_GRACE, child.wait()).await.is_err() {
        // It may have ended in this very moment.
        let _ = child.kill().await;
    }
    asked
}

fn exit_code(status: &io::Result<ExitStatus>) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let Ok(status) = status else { return 1 };
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// Says why the program cannot go on, with all causes.
pub fn failed(error: &dyn std::error::Error) -> ExitCode {
    say(&error.to_string());
    let mut cause = error.source();
    while let Some(inner) = cause {
        say(&format!("  because: {inner}"));
        cause = inner.source();
    }
    ExitCode::FAILURE
}

/// Writes a line to standard error.
pub fn say(text: &str) {
    // Nothing is left to tell when standard error itself is closed.
    let _ = writeln!(io::stderr(), "{text}");
}
