//! Changes that the operating system tells of, gathered until they pause.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::super::limits;

/// Folders of version control, whose changes are never changes of documents.
const VERSION_CONTROL: [&str; 4] = [".git", ".hg", ".jj", ".svn"];

/// Tells that something below a root has changed. What it was is found by reading the tree, so nothing can be
/// missed and nothing has to be queued: any number of changes is one.
pub(super) struct Events {
    changed: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
}

impl Events {
    /// Begins to listen. Where the operating system refuses (too many folders, an odd file system), the reason is
    /// given beside an `Events` that never tells of anything.
    pub(super) fn listen(root: &Path) -> (Self, Option<notify::Error>) {
        let changed = Arc::new(Notify::new());
        let (watcher, refusal) = match watch(root, changed.clone()) {
            Ok(watcher) => (Some(watcher), None),
            Err(error) => (None, Some(error)),
        };
        (Self { changed, watcher }, refusal)
    }

    /// Waits until something has changed and then a moment has passed without another change, or until the tree
    /// should be read anyway.
    pub(super) async fn settle(&self, at_latest: Instant) {
        let at_latest = match self.watcher {
            Some(_) => at_latest,
            None => at_latest.min(Instant::now() + limits::WATCH_BLIND),
        };
        if timeout_at(at_latest, self.changed.notified()).await.is_err() {
            return;
        }
        let patience = Instant::now() + limits::WATCH_SETTLE_MAX;
        loop {
            let quiet = patience.min(Instant::now() + limits::WATCH_SETTLE);
            if timeout_at(quiet, self.changed.notified()).await.is_err() {
                return;
            }
        }
    }
}

fn watch(root: &Path, changed: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let file = root.is_file().then(|| root.to_owned());
    let base = root.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // An error may hide a change.
        if event.map_or(true, |event| matters(&event, &base, file.as_ref())) {
            changed.notify_one();
        }
    })?;
    match root.parent().filter(|_| root.is_file()) {
        // Editors replace files; the folder sees that, the file itself would be lost.
        Some(folder) => watcher.watch(folder, RecursiveMode::NonRecursive)?,
        None => watcher.watch(root, RecursiveMode::Recursive)?,
    }
    Ok(watcher)
}

fn matters(event: &Event, root: &Path, file: Option<&PathBuf>) -> bool {
    if event.need_rescan() || event.paths.is_empty() {
        return true;
    }
    // Reading is no change; our own reading would never end.
    if matches!(event.kind, EventKind::Access(_)) {
        return false;
    }
    event.paths.iter().any(|path| match file {
        Some(file) => path == file,
        None => !in_version_control(path.strip_prefix(root).unwrap_or(path)),
    })
}

fn in_version_control(path: &Path) -> bool {
    path.components().any(|part| {
        let name = part.as_os_str();
        VERSION_CONTROL.iter().any(|folder| name == *folder)
    })
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, CreateKind, Flag};

    use super::*;

    fn event(kind: EventKind, path: &str) -> Event {
        Event::new(kind).add_path(PathBuf::from(path))
    }

    #[test]
    fn reading_and_version_control_are_no_changes() {
        let root = Path::new("/a/.git/tree");
        let create = EventKind::Create(CreateKind::Any);
        let access = EventKind::Access(AccessKind::Any);
        assert!(matters(&event(create, "/a/.git/tree/x.md"), root, None));
        assert!(!matters(&event(create, "/a/.git/tree/.git/x"), root, None));
        assert!(!matters(&event(access, "/a/.git/tree/x.md"), root, None));
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(matters(&overflow, root, None));
    }

    #[test]
    fn of_a_single_file_only_its_own_changes_matter() {
        let file = PathBuf::from("/a/x.jsonl");
        let create = EventKind::Create(CreateKind::Any);
        assert!(matters(&event(create, "/a/x.jsonl"), &file, Some(&file)));
        assert!(!matters(&event(create, "/a/y.jsonl"), &file, Some(&file)));
    }
}
