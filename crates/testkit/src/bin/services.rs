//! Starts private PostgreSQL, RabbitMQ and Redis, runs a command with their addresses in its environment, and stops
//! everything again, whatever becomes of the command.
//!
//! `services -- cargo nextest run`

use std::process::ExitCode;

use clap::Parser;
use testkit::{
    services::Servers,
    supervise::{Stop, failed, run, say},
};
use tokio::time::Instant;

/// Run a command with private PostgreSQL, RabbitMQ and Redis servers.
#[derive(Debug, Parser)]
struct Arguments {
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

// One thread: the servers are tied to the thread that starts them.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
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
    let seconds = start.elapsed().as_secs_f32();
    say(&format!("services: PostgreSQL, RabbitMQ and Redis are up after {seconds:.1} s"));
    let code = run(&arguments.command, &servers.services().variables(), &mut stop).await;
    servers.stop().await;
    ExitCode::from(code)
}
