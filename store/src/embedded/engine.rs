//! The storage engine (redb) behind the few calls that the backend needs. The only file that names the engine.
//!
//! Layout: table `data` holds keys and values as they are; table `meta` holds `format` (the version of this layout) and
//! `version` (that of the last commit, written with each). Numbers are big endian.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use redb::{
    Database, DatabaseError, ReadOnlyTable, ReadableDatabase as _, ReadableTable as _, StorageError, Table,
    TableDefinition,
};

use super::disk::Disk;
use super::options::EmbeddedOptions;
use super::view::View;
use crate::error::{Error, ErrorKind, Result};

const FILE: &str = "store.redb";
const DATA: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("data");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const FORMAT: &str = "format";
const VERSION: &str = "version";
/// The layout that this code writes and the newest that it reads.
const FORMAT_VERSION: u64 = 1;

/// Whether a database was there before.
#[derive(PartialEq, Eq)]
enum Age {
    New,
    Known,
}

/// An open database.
pub(super) struct Engine {
    database: Database,
    path: PathBuf,
}

impl Engine {
    /// Opens or creates the database of a directory, and repairs it after a crash.
    pub(super) fn open(options: &EmbeddedOptions) -> Result<Self> {
        let path = options.dir.join(FILE);
        let what = format!("open the store {}", path.display());
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let disk = Disk::new(file.map_err(|error| io_error(&what, error))?);
        let mut builder = Database::builder();
        builder.set_cache_size(options.cache_bytes);
        builder.set_check_integrity_on_open(options.verify);
        let database = guard(&what, || {
            let opened = disk.and_then(|disk| create(&builder, options, disk));
            opened.map_err(|error| open_error(&what, error))
        })?;
        let engine = Self { database, path };
        if engine.check_format()? == Age::New {
            // The file is durable; its name is only once its directory is.
            sync_directory(&options.dir)?;
        }
        Ok(engine)
    }

    fn check_format(&self) -> Result<Age> {
        let found = self.meta(FORMAT)?;
        match found {
            Some(FORMAT_VERSION) => Ok(Age::Known),
            Some(newer) => Err(Error::new(
                ErrorKind::Format,
                format!(
                    "store {} has format {newer}, this program reads format {FORMAT_VERSION}: use the program that wrote it, or a newer one",
                    self.path.display()
                ),
            )),
            None => self.write(0, |_| Ok(Age::New)),
        }
    }

    /// The version of the last durable commit.
    pub(super) fn version(&self) -> Result<u64> {
        Ok(self.meta(VERSION)?.unwrap_or(0))
    }

    fn meta(&self, key: &str) -> Result<Option<u64>> {
        const WHAT: &str = "read the store's header";
        guard(WHAT, || {
            let transaction = self.database.begin_read().map_err(|error| engine_error(WHAT, error))?;
            match transaction.open_table(META) {
                Ok(table) => {
                    let value = table.get(key).map_err(|error| engine_error(WHAT, error))?;
                    Ok(value.map(|value| value.value()))
                }
                Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
                Err(error) => Err(engine_error(WHAT, error)),
            }
        })
    }

    /// The current durable state.
    pub(super) fn view(&self, version: u64) -> Result<View> {
        const WHAT: &str = "begin to read the store";
        guard(WHAT, || {
            let transaction = self.database.begin_read().map_err(|error| engine_error(WHAT, error))?;
            let table = transaction.open_table(DATA).map_err(|error| engine_error(WHAT, error))?;
            Ok(View::new(version, EngineView(table)))
        })
    }

    /// Makes what `fill` writes durable under this version, all or nothing. After an error the engine has to be opened
    /// again; its version then says whether the batch is there.
    pub(super) fn write<T>(&self, version: u64, fill: impl FnOnce(&mut Batch<'_>) -> Result<T>) -> Result<T> {
        const WHAT: &str = "write to the store";
        guard(WHAT, || {
            let transaction = self.database.begin_write().map_err(|error| engine_error(WHAT, error))?;
            let filled = {
                let mut meta = transaction.open_table(META).map_err(|error| engine_error(WHAT, error))?;
                if version == 0 {
                    meta.insert(FORMAT, FORMAT_VERSION).map_err(|error| engine_error(WHAT, error))?;
                }
                meta.insert(VERSION, version).map_err(|error| engine_error(WHAT, error))?;
                let data = transaction.open_table(DATA).map_err(|error| engine_error(WHAT, error))?;
                fill(&mut Batch(data))?
            };
            transaction.commit().map_err(|error| engine_error(WHAT, error))?;
            Ok(filled)
        })
    }

    /// Closes the file.
    pub(super) fn close(self) -> Result<()> {
        guard("close the store", || self.database.close().map_err(|error| engine_error("close the store", error)))
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A batch of changes under way.
pub(super) struct Batch<'a>(Table<'a, &'static [u8], &'static [u8]>);

impl Batch<'_> {
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        let value = self.0.get(key).map_err(|error| engine_error("read within a commit", error))?;
        Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
    }

    pub(super) fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.0.insert(key, value).map(drop).map_err(|error| engine_error("write a key", error))
    }

    pub(super) fn remove(&mut self, key: &[u8]) -> Result<()> {
        self.0.remove(key).map(drop).map_err(|error| engine_error("remove a key", error))
    }

    pub(super) fn remove_range(&mut self, begin: &[u8], end: &[u8]) -> Result<()> {
        self.0.retain_in::<&[u8], _>(begin..end, |_, _| false).map_err(|error| engine_error("remove a range", error))
    }
}

/// The stored state at one version.
pub(super) struct EngineView(ReadOnlyTable<&'static [u8], &'static [u8]>);

impl EngineView {
    /// The value of a key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        const WHAT: &str = "read a key";
        guard(WHAT, || {
            let value = self.0.get(key).map_err(|error| engine_error(WHAT, error))?;
            Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
        })
    }

    /// The items of a range, empty when it ends before it begins.
    pub(super) fn range(&self, begin: &[u8], end: &[u8]) -> Result<Items> {
        const WHAT: &str = "read a range";
        if begin >= end {
            return Ok(Items(None));
        }
        guard(WHAT, || {
            let items = self.0.range::<&[u8]>(begin..end).map_err(|error| engine_error(WHAT, error))?;
            Ok(Items(Some(items)))
        })
    }
}

impl fmt::Debug for EngineView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineView")
    }
}

/// Iterates over a range from both ends.
pub(super) struct Items(Option<redb::Range<'static, &'static [u8], &'static [u8]>>);

impl Items {
    pub(super) fn next(&mut self) -> Result<Option<(Bytes, Bytes)>> {
        self.step(redb::Range::next)
    }

    pub(super) fn next_back(&mut self) -> Result<Option<(Bytes, Bytes)>> {
        self.step(redb::Range::next_back)
    }

    fn step(&mut self, step: fn(&mut Range) -> Option<Step>) -> Result<Option<(Bytes, Bytes)>> {
        const WHAT: &str = "read a range";
        let Some(items) = &mut self.0 else {
            return Ok(None);
        };
        guard(WHAT, || {
            let Some(item) = step(items) else {
                return Ok(None);
            };
            let (key, value) = item.map_err(|error| engine_error(WHAT, error))?;
            Ok(Some((Bytes::copy_from_slice(key.value()), Bytes::copy_from_slice(value.value()))))
        })
    }
}

type Range = redb::Range<'static, &'static [u8], &'static [u8]>;
type Guard = redb::AccessGuard<'static, &'static [u8]>;
type Step = std::result::Result<(Guard, Guard), StorageError>;

/// Turns a panic of the engine, which it answers to some kinds of damage in the file, into an error.
fn guard<T>(what: &str, call: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Corrupt, format!("{what}: the store file is damaged"))))
}

#[cfg(not(feature = "testing"))]
fn create(builder: &redb::Builder, _: &EmbeddedOptions, disk: Disk) -> Result<Database, DatabaseError> {
    builder.create_with_backend(disk)
}

#[cfg(feature = "testing")]
fn create(builder: &redb::Builder, options: &EmbeddedOptions, disk: Disk) -> Result<Database, DatabaseError> {
    match &options.disk_faults {
        Some(faults) => builder.create_with_backend(faults.wrap(disk)),
        None => builder.create_with_backend(disk),
    }
}

fn open_error(what: &str, error: DatabaseError) -> Error {
    match error {
        DatabaseError::DatabaseAlreadyOpen => {
            Error::new(ErrorKind::Locked, format!("{what}: another process has it open"))
        }
        DatabaseError::UpgradeRequired(_) => Error::with_source(ErrorKind::Format, what, error),
        other => engine_error(what, other),
    }
}

/// Makes the names in a directory durable, and its own name in the directory above.
fn sync_directory(dir: &Path) -> Result<()> {
    let above = dir.parent().filter(|above| !above.as_os_str().is_empty());
    for dir in [Some(dir), above].into_iter().flatten() {
        let synced = File::open(dir).and_then(|dir| dir.sync_all());
        match synced {
            // One may use a directory without being allowed to list the one above.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced.map_err(|error| io_error(&format!("flush the directory {}", dir.display()), error))?,
        }
    }
    Ok(())
}

/// Says what a caller can do about an error of the engine.
fn engine_error(what: &str, error: impl Into<redb::Error>) -> Error {
    match error.into() {
        redb::Error::Io(error) => io_error(what, error),
        error @ (redb::Error::PreviousIo | redb::Error::DatabaseClosed) => {
            Error::with_source(ErrorKind::Unavailable, what, error)
        }
        error @ (redb::Error::Corrupted(_)
        | redb::Error::LockPoisoned(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::RepairAborted) => Error::with_source(ErrorKind::Corrupt, what, error),
        error => Error::with_source(ErrorKind::Io, what, error),
    }
}

/// Says what a caller can do about an error of the operating system.
pub(super) fn io_error(what: &str, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => ErrorKind::Full,
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => ErrorKind::Corrupt,
        _ => ErrorKind::Io,
    };
    Error::with_source(kind, what, error)
}
