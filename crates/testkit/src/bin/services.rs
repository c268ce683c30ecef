//! Starts private PostgreSQL, RabbitMQ and Redis, runs a command with their addresses in its environment, and stops
//! everything again, whatever becomes of the command.
//!
//! `services -- cargo nextest run`

use std::{
    io::{self, Write},
    process::{ExitCode, ExitStatus},
    time::Duration,
};

use testkit::services::Servers;
use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    time::Instant,
};

/// How long the command may take to end after it was asked to.
const COMMAND_GRACE: Duration = Duration::from_secs(30);
/// What shells give for a program that could not be started.
const NOT_STARTED: u8 = 127;

// One thread: the servers are tied to the thread that starts them.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).skip_while(|word| word == "--").collect();
    let Some((program, rest)) = arguments.split_first() else {
        say("usage: services -- <command> [arguments]");
        return ExitCode::from(2);
    };
    // Listened to from the start, so that a signal during the start stops what already runs.
    let mut stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return failed(&error),
    };
    let start = Instant::now();
    let servers = tokio::select! {
        servers = Servers::start() => match servers {
            Ok(servers) => servers,
            Err(error) => return failed(&error),
        },
        code = stop.requested() => return ExitCode::from(code),
    };
    say(&format!(
        "services: PostgreSQL, RabbitMQ and Redis are up after {:.1} s",
        start.elapsed().as_secs_f32()
    ));
    let mut command = Command::new(program);
    command.args(rest).envs(servers.services().variables());
    let code = match command.spawn() {
        Ok(child) => watch(child, &mut stop).await,
        Err(error) => {
            say(&format!("services: `{program}` could not be started: {error}"));
            NOT_STARTED
        }
    };
    servers.stop().await;
    ExitCode::from(code)
}

/// Signals that ask this program to end.
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

// === impl Stop ===

impl Stop {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Resolves to the exit code that shells give for the signal.
    async fn requested(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => 128 + 15,
            _ = self.interrupt.recv() => 128 + 2,
            _ = self.hang_up.recv() => 128 + 1,
        }
    }
}

/// Waits for the command. When this program is asked to end, so is the command, and then by force.
async fn watch(mut child: Child, stop: &mut Stop) -> u8 {
    let asked = tokio::select! {
        status = child.wait() => return exit_code(status),
        code = stop.requested() => code,
    };
    testkit::process::terminate(child.id());
    if tokio::time::timeout(COMMAND_GRACE, child.wait()).await.is_err() {
        // It may have ended in this very moment.
        let _ = child.kill().await;
    }
    asked
}

fn exit_code(status: io::Result<ExitStatus>) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let Ok(status) = status else { return 1 };
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    say(&format!("services: {error}"));
    let mut cause = error.source();
    while let Some(inner) = cause {
        say(&format!("  because: {inner}"));
        cause = inner.source();
    }
    ExitCode::FAILURE
}

fn say(text: &str) {
    // Nothing is left to tell when standard error itself is closed.
    let _ = writeln!(io::stderr(), "{text}");
}
