//! The opened folder. Every access goes through a directory capability, so neither `..`, nor an absolute path, nor a symbolic
//! link can lead out of it, also not by a change between check and use.

use std::{
    io::{self, Read},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use cap_std::{
    ambient_authority,
    fs::{Dir, Metadata},
};
use connector_sdk::ConnectorError;
use glob::{MatchOptions, Pattern};

use super::{
    Config,
    extract::{self, Extracted},
};

/// Folders that hold what tools made, never documents.
const SKIPPED_FOLDERS: &[&str] = &["node_modules", "target"];

/// The folder of an install.
#[derive(Clone)]
pub(super) struct Root {
    dir: Arc<Dir>,
    include: Arc<[Pattern]>,
    max_bytes: u64,
}

// === impl Root ===

impl Root {
    /// Opens the configured folder below the operator's root that holds it.
    pub(super) fn open(config: &Config, allowed: &[PathBuf]) -> Result<Self, ConnectorError> {
        let has_dots = config.root.components().any(|part| part == Component::ParentDir);
        if has_dots || !config.root.is_absolute() {
            return Err(ConnectorError::config(
                "root",
                "Folder must be an absolute path without `..`.",
            ));
        }
        let include: Result<Vec<Pattern>, ConnectorError> =
            config.include.iter().enumerate().map(|(index, text)| pattern(index, text)).collect();
        let dir = open_below(&config.root, allowed)?;
        Ok(Self { dir: Arc::new(dir), include: include?.into(), max_bytes: config.max_bytes })
    }

    pub(super) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Whether a file of this path is among those that the settings take.
    pub(super) fn takes(&self, path: &str) -> bool {
        let options = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        self.include.is_empty()
            || self.include.iter().any(|pattern| pattern.matches_with(path, options))
    }

    pub(super) fn takes_size(&self, metadata: &Metadata) -> bool {
        metadata.is_file() && metadata.len() <= self.max_bytes
    }

    /// Reads a file as text. `None` if it is none of the files that the settings take, or holds no text.
    pub(super) fn read(&self, path: &str) -> io::Result<Option<Extracted>> {
        let metadata = self.dir.metadata(path)?;
        if !self.takes(path) || !self.takes_size(&metadata) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        // One byte more than allowed, so that a file that grows meanwhile is noticed and not read for ever.
        self.dir.open(path)?.take(self.max_bytes + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > self.max_bytes {
            return Ok(None);
        }
        Ok(extract::extract(path, bytes))
    }
}

/// Whether a name is left out everywhere: hidden, or made by tools.
pub(super) fn is_skipped(name: &str) -> bool {
    name.starts_with('.') || SKIPPED_FOLDERS.contains(&name)
}

/// Opens `root` through the operator's directory above it: the operator's own path may hold links, the tenant's part may not
/// leave it by one.
fn open_below(root: &Path, allowed: &[PathBuf]) -> Result<Dir, ConnectorError> {
    for operator_root in allowed {
        let canonical = operator_root.canonicalize().ok();
        let spellings = [Some(operator_root.as_path()), canonical.as_deref()];
        let Some(inside) = spellings.into_iter().flatten().find_map(|r| root.strip_prefix(r).ok())
        else {
            continue;
        };
        let opened = Dir::open_ambient_dir(operator_root, ambient_authority());
        let opened = match opened {
            Ok(dir) if inside.as_os_str().is_empty() => Ok(dir),
            Ok(dir) => dir.open_dir(inside),
            Err(error) => Err(error),
        };
        return opened.map_err(|error| {
            let message = match error.kind() {
                io::ErrorKind::NotFound => "There is no such folder on the server.".to_owned(),
                io::ErrorKind::NotADirectory => "This is a file, not a folder.".to_owned(),
                _ => format!("The server may not open this folder: {}.", error.kind()),
            };
            ConnectorError::config("root", message)
        });
    }
    Err(ConnectorError::config(
        "root",
        "This folder is not allowed on this server: ask the operator to add it to `connectors.file_roots`.",
    ))
}

fn pattern(index: usize, text: &str) -> Result<Pattern, ConnectorError> {
    Pattern::new(text).map_err(|error| ConnectorError::Config {
        field: vec!["include".to_owned(), index.to_string()],
        message: format!("This is not a pattern of paths: {}.", error.msg),
    })
}
