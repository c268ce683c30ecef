//! `patchbay audit`: verify the log of an export or of the configured database, and print the public keys.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use clap::Subcommand;
use control::Verified;
use domain::audit::{Broken, Chain, ExportLine, PublicKey, Report};

use crate::{
    cmd::{CommandError, say},
    plane::Plane,
    settings::Settings,
};

#[derive(Debug, clap::Args)]
pub(crate) struct AuditArguments {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Follow the audit log from its first entry to its last, and name the first one that is wrong.
    Verify(VerifyArguments),
    /// Print the public keys with which checkpoints were signed, the oldest first.
    Keys(DataArguments),
}

#[derive(Debug, clap::Args)]
struct VerifyArguments {
    /// An export in JSONL, without a filter. Nothing else is read then; without it the configured database is verified.
    file: Option<PathBuf>,
    /// An Ed25519 public key in hex that may have signed checkpoints; can be given several times. Needed for a file; the
    /// database is verified with the keys of the configured vault when none is given.
    #[arg(long = "public-key", value_name = "HEX", value_parser = PublicKey::from_hex)]
    public_keys: Vec<PublicKey>,
    /// A file of checkpoints that were kept elsewhere (lines of an earlier export): they find out a log that was cut off since.
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,
    /// Only this organisation of the database.
    #[arg(long, value_name = "SLUG", conflicts_with = "file")]
    tenant: Option<String>,
    #[command(flatten)]
    data: DataArguments,
}

#[derive(Debug, clap::Args)]
struct DataArguments {
    /// Data directory of a `patchbay up`; without it the configured database is used.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(
    file: Option<&Path>,
    arguments: AuditArguments,
) -> Result<(), CommandError> {
    match arguments.command {
        AuditCommand::Verify(VerifyArguments {
            file: Some(export),
            public_keys,
            checkpoints,
            ..
        }) => verify_export(&export, public_keys, checkpoints.as_deref()),
        AuditCommand::Verify(arguments) => verify_database(file, arguments).await,
        AuditCommand::Keys(data) => print_keys(file, &data).await,
    }
}

fn verify_export(
    export: &Path,
    public_keys: Vec<PublicKey>,
    kept: Option<&Path>,
) -> Result<(), CommandError> {
    if public_keys.is_empty() {
        return Err(CommandError::NoAuditKey);
    }
    let mut chain = Chain::new(public_keys);
    let broken = |broken| CommandError::AuditBroken { log: export.display().to_string(), broken };
    // Checkpoints wherever they stand, before the first entry.
    for path in [Some(export), kept].into_iter().flatten() {
        for line in lines_of(path)? {
            if let Line::Checkpoint(checkpoint) = line? {
                chain.checkpoint(checkpoint).map_err(broken)?;
            }
        }
    }
    for line in lines_of(export)? {
        match line? {
            Line::Event(event) => chain.entry(&event).map_err(broken)?,
            Line::Checkpoint(_) => {}
            // What cannot be read any more was an entry before somebody changed it.
            Line::Unreadable => {
                return Err(broken(Broken::Altered { seq: chain.end().seq + 1 }));
            }
        }
    }
    let report = chain.finish().map_err(broken)?;
    Ok(say(&in_order(&export.display().to_string(), &report))?)
}

async fn verify_database(
    file: Option<&Path>,
    arguments: VerifyArguments,
) -> Result<(), CommandError> {
    let plane = plane(file, &arguments.data).await?;
    let keys = if arguments.public_keys.is_empty() {
        plane.control.audit_keys().await?.into_iter().map(|it| it.key).collect()
    } else {
        arguments.public_keys
    };
    let all = match arguments.tenant {
        Some(slug) => vec![slug],
        None => plane.control.audited_organisations().await?,
    };
    let mut first_broken = None;
    for slug in all {
        match plane.control.verify_audit(&slug, keys.clone()).await {
            Ok(Verified::InOrder(report)) => say(&in_order(&slug, &report))?,
            Ok(Verified::Empty) => say(&format!("{slug}: nothing was ever written\n"))?,
            Ok(Verified::Broken(broken)) => {
                say(&format!("{slug}: BROKEN at entry {}: {broken}\n", broken.seq()))?;
                first_broken.get_or_insert(CommandError::AuditBroken { log: slug, broken });
            }
            Err(control::Error::NotFound) => return Err(CommandError::NoTenant { slug }),
            Err(error) => return Err(error.into()),
        }
    }
    plane.telemetry.shutdown();
    first_broken.map_or(Ok(()), Err)
}

async fn print_keys(file: Option<&Path>, data: &DataArguments) -> Result<(), CommandError> {
    let plane = plane(file, data).await?;
    for it in plane.control.audit_keys().await? {
        say(&format!(
            "{} {} since {}\n",
            it.key.id(),
            it.key.to_hex(),
            it.first_used_at.to_rfc3339()
        ))?;
    }
    plane.telemetry.shutdown();
    Ok(())
}

async fn plane(file: Option<&Path>, data: &DataArguments) -> Result<Plane, CommandError> {
    let mut settings = Settings::load_for_terminal(file)?;
    if let Some(directory) = &data.data_dir {
        let database = directory.join("patchbay.db");
        if !database.is_file() {
            return Err(CommandError::NoData { path: directory.clone() });
        }
        settings.database.url = format!("sqlite:{}", database.display());
        settings.vault.key_file = Some(directory.join("vault.key"));
    }
    Plane::build(&settings, "patchbay-audit").await
}

enum Line {
    Event(domain::AuditEvent),
    Checkpoint(domain::audit::Checkpoint),
    Unreadable,
}

fn lines_of(path: &Path) -> Result<impl Iterator<Item = Result<Line, CommandError>>, CommandError> {
    let named = path.to_owned();
    let failed = move |source| CommandError::AuditFile { path: named.clone(), source };
    let lines = BufReader::new(File::open(path).map_err(&failed)?).lines();
    Ok(lines.map(move |line| {
        let line = match line {
            // A byte that is no text any more.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Ok(Line::Unreadable);
            }
            line => line.map_err(&failed)?,
        };
        Ok(match serde_json::from_str(&line) {
            Ok(ExportLine::Event(event)) => Line::Event(event),
            Ok(ExportLine::Checkpoint(checkpoint)) => Line::Checkpoint(checkpoint),
            Err(_) => Line::Unreadable,
        })
    }))
}

fn in_order(log: &str, report: &Report) -> String {
    let Report { entries, first, last, last_hash, checkpoints, signed_up_to } = report;
    let unsigned = last - signed_up_to;
    format!(
        "{log}: in order: {entries} entries ({first} to {last}), {checkpoints} checkpoints, signed up to entry {signed_up_to}\n\
         {log}: {unsigned} entries after the last checkpoint; the last one has the hash {last_hash}\n"
    )
}
