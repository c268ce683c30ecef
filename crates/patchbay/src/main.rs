//! The product: one binary, run as a whole (`up`) or as one role (`serve`).

mod cmd;
mod demo;
mod facts;
mod plane;
mod server;
mod settings;
mod topology;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::cmd::CommandError;

/// Patchbay: a control plane and connector marketplace for the Model Context Protocol.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// Configuration file (TOML); `deploy/config.example.toml` lists every key.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything in this process, with nothing else to install.
    Up(cmd::up::UpArguments),
    /// Run one role of a distributed deployment.
    Serve(cmd::serve::ServeArguments),
    /// Bring the database to this version.
    Migrate,
    /// Create the first organisation and print how to reach it.
    SetUp(cmd::set_up::SetUpArguments),
    /// Print a fresh one-time sign-in link for an owner.
    SignInLink(cmd::sign_in_link::SignInLinkArguments),
    /// Write or check the generated files (SDL, OpenAPI, config schema, connector docs).
    Schema(cmd::schema::SchemaArguments),
    /// Verify the audit log, and print the keys that it is verified with.
    Audit(cmd::audit::AuditArguments),
    /// Look at the keys of organisations, or turn them over.
    Keys(cmd::keys::KeysArguments),
    /// Print or check the configuration.
    Config(cmd::config::ConfigArguments),
    /// Check everything that the product needs, and say what to do about what is missing.
    Doctor,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // One TLS provider for the whole process: the ones that libraries would choose by themselves differ.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return cmd::report(&CommandError::Tls);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments)),
        Err(source) => Err(CommandError::Runtime(source)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cmd::report(&error),
    }
}

async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let file = arguments.config.as_deref();
    match arguments.command {
        Command::Up(up) => cmd::up::run(file, up).await,
        Command::Serve(serve) => cmd::serve::run(file, serve).await,
        Command::Migrate => cmd::migrate::run(file).await,
        Command::SetUp(set_up) => cmd::set_up::run(file, set_up).await,
        Command::SignInLink(link) => cmd::sign_in_link::run(file, link).await,
        Command::Schema(schema) => cmd::schema::run(&schema),
        Command::Audit(audit) => cmd::audit::run(file, audit).await,
        Command::Keys(keys) => cmd::keys::run(file, keys).await,
        Command::Config(config) => cmd::config::run(file, &config),
        Command::Doctor => cmd::doctor::run(file).await,
    }
}
