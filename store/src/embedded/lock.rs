//! The file that keeps a second process out of a store's directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

const FILE: &str = "LOCK";

/// Held while the store is open. The operating system gives it free when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct DirectoryLock(#[expect(dead_code, reason = "keeps the lock until it is dropped")] File);

impl DirectoryLock {
    /// Creates the directory when it is missing, and locks it.
    pub(super) fn acquire(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir)
            .map_err(|error| super::engine::io_error(&format!("create the directory {}", dir.display()), error))?;
        let path = dir.join(FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| super::engine::io_error(&format!("open the lock file {}", path.display()), error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(dir, &mut file)),
            Err(TryLockError::Error(error)) => {
                return Err(super::engine::io_error(&format!("lock {}", path.display()), error));
            }
        }
        // The number only helps a person to find the process, so a full disk is no reason to stop here.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self(file))
    }
}

fn locked(dir: &Path, file: &mut File) -> Error {
    let mut owner = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut owner));
    let owner = match read {
        Ok(_) if !owner.is_empty() => format!("process {owner}"),
        _ => "another process".to_owned(),
    };
    let dir = dir.display();
    Error::new(ErrorKind::Locked, format!("directory {dir} is in use by {owner}: stop it, or choose another directory"))
}
