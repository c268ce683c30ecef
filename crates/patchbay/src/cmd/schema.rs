//! `patchbay schema`: every generated file from one command, so that none is edited by hand.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    cmd::{CommandError, say},
    settings::{self, Settings},
};

#[derive(Debug, clap::Args)]
pub(crate) struct SchemaArguments {
    #[command(subcommand)]
    action: SchemaAction,
    /// Root of the repository.
    #[arg(long, default_value = ".", global = true, value_name = "DIR")]
    root: PathBuf,
}

#[derive(Debug, clap::Subcommand)]
enum SchemaAction {
    /// Write every generated file.
    Write,
    /// Fail when a generated file is not what it would be now.
    Check,
}

/// A generated file: its path from the root of the repository, and its text.
struct Generated {
    path: PathBuf,
    text: String,
}

/// Writes or checks.
pub(crate) fn run(arguments: &SchemaArguments) -> Result<(), CommandError> {
    let files = generate()?;
    match arguments.action {
        SchemaAction::Write => write(&arguments.root, &files),
        SchemaAction::Check => check(&arguments.root, &files),
    }
}

fn generate() -> Result<Vec<Generated>, CommandError> {
    let schema = schemars::schema_for!(Settings);
    let file = |path: &str, text: String| Generated { path: path.into(), text };
    let mut files = vec![
        file("api/schema.graphql", api::sdl()),
        file("api/openapi.json", api::openapi()),
        file("deploy/config.schema.json", serde_json::to_string_pretty(&schema)? + "\n"),
        file("deploy/config.example.toml", settings::example::render(schema.as_value())),
    ];
    for (name, text) in connectors::docs::all() {
        files.push(Generated { path: Path::new("docs/connectors").join(name), text });
    }
    Ok(files)
}

fn write(root: &Path, files: &[Generated]) -> Result<(), CommandError> {
    for file in files {
        let path = root.join(&file.path);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, &file.text)?;
    }
    say(&format!("{} files written\n", files.len()))?;
    Ok(())
}

fn check(root: &Path, files: &[Generated]) -> Result<(), CommandError> {
    let current = |file: &&Generated| {
        fs::read_to_string(root.join(&file.path)).is_ok_and(|text| text == file.text)
    };
    let stale: Vec<String> = files
        .iter()
        .filter(|file| !current(file))
        .map(|file| file.path.display().to_string())
        .collect();
    if stale.is_empty() {
        say(&format!("{} generated files are current\n", files.len()))?;
        Ok(())
    } else {
        Err(CommandError::Stale { paths: stale })
    }
}
