//! Which files of a tree are looked at: ignore rules, version control's folders, links, odd files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::ids::document_id;
use super::reason::shortened;
use super::{SkipReason, Skipped};

/// Folders and files of version control itself.
const VERSION_CONTROL: [&str; 8] = [".git", ".hg", ".svn", ".jj", ".bzr", "_darcs", ".pijul", ".sl"];
/// Our own file of ignore rules, in the syntax of `.gitignore`.
const IGNORE_FILE: &str = ".coditectignore";

/// A file to read, or something that is not one.
pub(super) enum Entry {
    File { path: PathBuf, id: String },
    Skipped(Skipped),
}

/// The files of a tree, in order.
pub(super) struct Tree {
    root: PathBuf,
    walk: ignore::Walk,
}

impl Tree {
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let root = fs::canonicalize(root)?;
        if fs::metadata(&root)?.is_dir() {
            fs::read_dir(&root)?;
        }
        let mut builder = WalkBuilder::new(&root);
        builder
            .hidden(false)
            .ignore(false)
            .git_global(false)
            .git_exclude(true)
            .git_ignore(true)
            .require_git(false)
            .parents(is_inside_repository(&root))
            .follow_links(false)
            .add_custom_ignore_filename(IGNORE_FILE)
            .sort_by_file_name(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()))
            .filter_entry(|entry| entry.depth() == 0 || !is_version_control(entry.path()));
        Ok(Self { root, walk: builder.build() })
    }

    pub(super) fn next(&mut self) -> Option<Entry> {
        loop {
            let entry = match self.walk.next()? {
                Ok(entry) => entry,
                Err(error) => return Some(self.failed(&error)),
            };
            let Some(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() {
                continue;
            }
            let path = entry.into_path();
            let id = self.id(&path);
            let checked = match () {
                () if kind.is_file() => Ok(()),
                () if kind.is_symlink() => self.link(&path),
                () => Err(SkipReason::NotAFile),
            };
            return Some(match checked {
                Ok(()) => Entry::File { path, id },
                Err(reason) => Entry::Skipped(Skipped { path: id, reason }),
            });
        }
    }

    fn id(&self, path: &Path) -> String {
        let relative = path.strip_prefix(&self.root).unwrap_or(path);
        let id = document_id(relative);
        if !id.is_empty() {
            return id;
        }
        self.root.file_name().map(|name| document_id(Path::new(name))).unwrap_or_default()
    }

    /// Allows a link to a regular file of the tree.
    fn link(&self, path: &Path) -> Result<(), SkipReason> {
        let target = fs::canonicalize(path).map_err(|_| SkipReason::BrokenLink)?;
        let inside = target.strip_prefix(&self.root).map_err(|_| SkipReason::LinkOutside)?;
        if inside.ancestors().any(is_version_control) {
            return Err(SkipReason::LinkOutside);
        }
        let metadata = fs::metadata(&target).map_err(|error| SkipReason::from_io(&error))?;
        match metadata.file_type() {
            kind if kind.is_dir() => Err(SkipReason::LinkToFolder),
            kind if kind.is_file() => Ok(()),
            _ => Err(SkipReason::NotAFile),
        }
    }

    fn failed(&self, error: &ignore::Error) -> Entry {
        let path = path_of_error(error).map(|path| self.id(path)).unwrap_or_default();
        let reason = match error.io_error() {
            Some(io) => SkipReason::from_io(io),
            None => SkipReason::Unreadable(shortened(error.to_string())),
        };
        Entry::Skipped(Skipped { path, reason })
    }
}

fn is_version_control(path: &Path) -> bool {
    path.file_name().is_some_and(|name| VERSION_CONTROL.iter().any(|known| name == *known))
}

/// The rules of folders above the root count only up to the top of a repository that the root is in.
fn is_inside_repository(root: &Path) -> bool {
    root.ancestors().skip(1).any(|above| above.join(".git").exists()) && !root.join(".git").exists()
}

fn path_of_error(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of_error(err),
        ignore::Error::Partial(errors) => errors.iter().find_map(path_of_error),
        _ => None,
    }
}
