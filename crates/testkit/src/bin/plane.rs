//! Starts the product, runs a command that finds it by `PATCHBAY_UP_JSON`, and stops the product again.
//!
//! `plane --binary target/debug/patchbay --topology embedded -- pytest crates/testkit/clients`

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};
use testkit::{
    Error, Services, TestPlane,
    plane::PlaneConfig,
    supervise::{Stop, failed, run, say},
};
use tokio::time::Instant;

/// Run a command while the product is up.
#[derive(Debug, Parser)]
struct Arguments {
    /// The `patchbay` binary.
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// In which form it runs; `distributed` needs the servers that the `services` program starts.
    #[arg(long, value_enum)]
    topology: Topology,
    /// A directory that the file-system connector may read (can be given several times).
    #[arg(long, value_name = "DIR")]
    files: Vec<PathBuf>,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Topology {
    Embedded,
    Distributed,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match supervise(&arguments).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => failed(&error),
    }
}

async fn supervise(arguments: &Arguments) -> Result<u8, Error> {
    let mut stop = Stop::listen()?;
    let start = Instant::now();
    let plane = tokio::select! {
        plane = start_plane(arguments) => plane?,
        code = stop.requested() => return Ok(code),
    };
    say(&format!(
        "plane: {:?} is up after {:.1} s",
        arguments.topology,
        start.elapsed().as_secs_f32()
    ));
    let facts = plane.directory().join("facts.json");
    plane.facts.write(&facts)?;
    let environment = [
        ("PATCHBAY_UP_JSON", facts.display().to_string()),
        ("PATCHBAY_TOPOLOGY", arguments.topology.as_str().to_owned()),
    ];
    let code = run(&arguments.command, &environment, &mut stop).await;
    if code != 0 {
        for (name, tail) in plane.log_tails() {
            say(&format!("---- log of {name} ----\n{tail}"));
        }
    }
    plane.stop().await?;
    Ok(code)
}

async fn start_plane(arguments: &Arguments) -> Result<TestPlane, Error> {
    // The command line is relative to here, and the product finds its own documents here.
    let here = std::env::current_dir()?;
    let binary = here.join(&arguments.binary);
    let mut config = PlaneConfig::new(&binary).working_directory(&here);
    for root in &arguments.files {
        config = config.file_root(&here.join(root));
    }
    match arguments.topology {
        Topology::Embedded => config.embedded().await,
        Topology::Distributed => config.distributed(&Services::from_env()?).await,
    }
}

// === impl Topology ===

impl Topology {
    fn as_str(self) -> &'static str {
        match self {
            Topology::Embedded => "embedded",
            Topology::Distributed => "distributed",
        }
    }
}
