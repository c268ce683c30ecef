//! Walks the folder in a fixed order, so that a path is a position at which any later walk can go on.

use std::{cmp::Ordering, io, ops::ControlFlow};

use cap_std::fs::{Dir, Metadata};
use chrono::{DateTime, Utc};

use super::root::{Root, is_skipped};

/// Longest path, in bytes: it is the document's external id.
const MAX_PATH: usize = 1024;
/// Deepest nesting of folders.
const MAX_DEPTH: usize = 64;

/// A file that the settings take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Relative to the folder, with `/`.
    pub(super) path: String,
    /// In bytes.
    pub(super) size: u64,
    pub(super) modified: Option<DateTime<Utc>>,
}

/// An entry of one folder.
pub(super) struct Entry {
    pub(super) name: String,
    /// Of what it is or, for a link that stays inside, of what it leads to.
    pub(super) metadata: Metadata,
    is_link: bool,
}

/// A walk over one folder, depth first, by name.
pub(super) struct Walk<'a> {
    root: &'a Root,
    after: Option<Vec<String>>,
}

// === impl Walk ===

impl<'a> Walk<'a> {
    pub(super) const fn new(root: &'a Root) -> Self {
        Self { root, after: None }
    }

    /// Starts behind this path.
    pub(super) fn after(mut self, path: Option<&str>) -> Self {
        self.after = path.map(|path| path.split('/').map(ToOwned::to_owned).collect());
        self
    }

    /// The next `limit` files.
    pub(super) fn take(&self, limit: usize) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        self.visit(|file| {
            found.push(file);
            if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(found)
    }

    /// How many files there are.
    pub(super) fn count(&self) -> io::Result<u64> {
        let mut count = 0;
        self.visit(|_| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    fn visit(&self, mut each: impl FnMut(Found) -> ControlFlow<()>) -> io::Result<()> {
        let mut at = Vec::new();
        self.visit_folder(self.root.dir(), &mut at, &mut each).map(|_| ())
    }

    fn visit_folder(
        &self,
        dir: &Dir,
        at: &mut Vec<String>,
        each: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> io::Result<ControlFlow<()>> {
        for entry in entries(dir)? {
            at.push(entry.name.clone());
            let flow = self.visit_entry(dir, &entry, at, each);
            at.pop();
            if flow?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn visit_entry(
        &self,
        dir: &Dir,
        entry: &Entry,
        at: &mut Vec<String>,
        each: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> io::Result<ControlFlow<()>> {
        if entry.metadata.is_dir() {
            // A linked folder is not entered: what it leads to is found under its own path, and a circle would never end.
            let enter = !entry.is_link && at.len() < MAX_DEPTH && self.may_hold_more(at);
            if !enter {
                return Ok(ControlFlow::Continue(()));
            }
            let visited =
                dir.open_dir(&entry.name).and_then(|folder| self.visit_folder(&folder, at, each));
            return match visited {
                Err(error) if is_gone(&error) => Ok(ControlFlow::Continue(())),
                other => other,
            };
        }
        let path = at.join("/");
        let is_behind = self.after.as_ref().is_none_or(|after| at.as_slice() > after.as_slice());
        let taken = is_behind
            && path.len() <= MAX_PATH
            && self.root.takes_size(&entry.metadata)
            && self.root.takes(&path);
        if !taken {
            return Ok(ControlFlow::Continue(()));
        }
        let modified = Found::modified_at(&entry.metadata);
        Ok(each(Found { path, size: entry.metadata.len(), modified }))
    }

    /// Whether a folder can hold something behind the start: it comes after it, or is on the way to it.
    fn may_hold_more(&self, folder: &[String]) -> bool {
        self.after.as_ref().is_none_or(|after| {
            after.starts_with(folder) || folder.cmp(after.as_slice()) == Ordering::Greater
        })
    }
}

/// The visible entries of a folder by name. Links that lead out, and names that are not UTF-8, are left out. A folder that cannot
/// be listed is an error: whether it may count as gone is up to the caller, and for the installed folder itself it may not.
pub(super) fn entries(dir: &Dir) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in dir.entries()? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if is_skipped(&name) {
            continue;
        }
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        match dir.metadata(&name) {
            Ok(metadata) => entries.push(Entry { name, metadata, is_link }),
            Err(error) if is_link || is_gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Removed meanwhile, or no longer ours to read: then it is to leave the index too.
pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
}
