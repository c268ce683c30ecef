//! Drives MCP traffic at the gateway and at nginx in the same run, and reports what a call costs.
//!
//! Starts everything itself, on free loopback ports and in temporary directories, and ends it again:
//!
//! ```text
//! cargo build --release -p patchbay -p loadtest
//! target/release/loadtest --binary target/release/patchbay
//! ```

mod bench;
mod budget;
mod drive;
mod error;
mod measure;
mod process;
mod report;
mod request;
mod start;
mod upstream;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use clap::Parser;
use testkit::{Services, process::find_program};

use crate::{
    bench::{Bench, Size},
    budget::Budget,
    error::Error,
    measure::Effort,
    report::{Machine, Report},
};

/// Measure what an MCP call costs through the gateway, next to nginx as a bare reverse proxy.
#[derive(Debug, Parser)]
struct Arguments {
    /// The `patchbay` binary.
    #[arg(long, value_name = "FILE", default_value = "target/release/patchbay")]
    binary: PathBuf,
    /// Short samples at 16 connections: enough to see a blunder, not to publish.
    #[arg(long)]
    smoke: bool,
    /// Fail when a figure is over the limits in this file.
    #[arg(long, value_name = "FILE")]
    budget: Option<PathBuf>,
    /// Measure the gateway role of the distributed form; run it as `services -- loadtest --distributed`.
    #[arg(long)]
    distributed: bool,
    /// Organisations that the calls are spread over; more than one needs `--distributed`.
    #[arg(long, default_value_t = 1)]
    tenants: usize,
    /// API keys in each organisation.
    #[arg(long, default_value_t = 10)]
    keys: usize,
    /// Samples of each kind; the report has their medians.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of one sample.
    #[arg(long, default_value_t = 2.0)]
    sample_seconds: f64,
    /// Connections at once, one table row each.
    #[arg(long, value_delimiter = ',', default_value = "16,64")]
    connections: Vec<usize>,
    /// Directory for `report.md` and `report.json`; only standard output without it.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.tenants > 1 && !arguments.distributed {
        return failed("more than one organisation needs --distributed");
    }
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(inner) = cause {
                text = format!("{text}\n  because: {inner}");
                cause = inner.source();
            }
            failed(&text)
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Error> {
    let binary = std::path::absolute(&arguments.binary)?;
    let nginx = find_program("nginx", &["/usr/sbin"])
        .ok_or(testkit::Error::Missing { program: "nginx", hint: "apt-get install nginx-light" })?;
    let effort = arguments.effort();
    let services = arguments.distributed.then(Services::from_env).transpose()?;
    let start = start::measure(&binary, effort.rounds.min(5)).await?;
    let size = Size { tenants: arguments.tenants, keys: arguments.keys };
    let bench = Bench::start(&binary, &nginx, size, services.as_ref()).await?;
    let closed = measure::closed(&bench, &effort).await?;
    let open = measure::open(&bench, &effort, &closed).await?;
    bench.stop().await?;
    let report = Report {
        machine: machine(&binary, &nginx),
        topology: if arguments.distributed { "distributed" } else { "embedded" },
        tenants: size.tenants,
        keys_per_tenant: size.keys,
        rounds: effort.rounds,
        sample_seconds: effort.sample.as_secs_f64(),
        start: Some(start),
        closed,
        open,
    };
    publish(&report, arguments.out.as_deref())?;
    match &arguments.budget {
        Some(path) => Budget::read(path)?.check(&report),
        None => Ok(()),
    }
}

// === impl Arguments ===

impl Arguments {
    fn effort(&self) -> Effort {
        if self.smoke {
            return Effort { rounds: 3, sample: Duration::from_millis(800), connections: vec![16] };
        }
        Effort {
            rounds: self.rounds.clamp(1, 50),
            sample: Duration::from_secs_f64(self.sample_seconds.clamp(0.1, 60.0)),
            connections: self.connections.iter().map(|count| (*count).clamp(1, 1024)).collect(),
        }
    }
}

fn machine(binary: &Path, nginx: &Path) -> Machine {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.to_owned());
    // nginx says its version on standard error.
    let version =
        Command::new(nginx).arg("-v").output().map(|output| output.stderr).unwrap_or_default();
    let version = String::from_utf8_lossy(&version);
    let version = version.trim().rsplit(' ').next().unwrap_or("nginx").to_owned();
    Machine {
        cores: process::cores(),
        processor,
        nginx: version,
        optimised: binary.components().any(|part| part.as_os_str() == "release"),
    }
}

fn publish(report: &Report, out: Option<&Path>) -> Result<(), Error> {
    let markdown = report.markdown();
    io::stdout().lock().write_all(markdown.as_bytes())?;
    if let Some(directory) = out {
        std::fs::create_dir_all(directory)?;
        std::fs::write(directory.join("report.md"), &markdown)?;
        std::fs::write(directory.join("report.json"), serde_json::to_vec_pretty(report)?)?;
    }
    Ok(())
}

fn failed(text: &str) -> ExitCode {
    // Nothing is left to tell when standard error itself is closed.
    let _ = writeln!(io::stderr(), "loadtest: {text}");
    ExitCode::FAILURE
}
