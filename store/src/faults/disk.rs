//! A disk that fails on request, and that remembers what was done to it, so that a test can tell what a power cut would leave.

use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::Mutex;
use redb::{BackendError, StorageBackend};

/// Something that was done to the file.
#[derive(Debug, Clone)]
pub enum DiskOperation {
    /// Bytes were written at an offset. Durable with the next flush.
    Write {
        /// Where.
        offset: u64,
        /// What.
        data: Vec<u8>,
    },
    /// The file got this length. Durable with the next flush.
    SetLen(u64),
    /// Everything before became durable.
    Flush,
}

/// Makes the disk below an embedded store fail.
#[derive(Clone, Default)]
pub struct DiskFaults(Arc<Mutex<DiskPlan>>);

#[derive(Default)]
struct DiskPlan {
    /// Most bytes that the file may have.
    size: Option<u64>,
    /// Flushes that still work before one fails.
    flushes: Option<u64>,
    /// Writes that still work before all fail.
    writes: Option<u64>,
    record: Option<Vec<DiskOperation>>,
}

impl DiskFaults {
    /// The disk is full once the file has this many bytes; `None` ends that.
    pub fn limit_size(&self, bytes: Option<u64>) {
        self.0.lock().size = bytes;
    }

    /// After `count` more flushes, one fails.
    pub fn fail_flush_after(&self, count: u64) {
        self.0.lock().flushes = Some(count);
    }

    /// After `count` more writes, all fail; `None` ends that.
    pub fn fail_writes_after(&self, count: Option<u64>) {
        self.0.lock().writes = count;
    }

    /// From now on, remembers what is done to the file.
    pub fn record(&self) {
        self.0.lock().record.get_or_insert_default();
    }

    /// How many operations are remembered.
    #[must_use]
    pub fn recorded(&self) -> usize {
        self.0.lock().record.as_ref().map_or(0, Vec::len)
    }

    /// Takes what is remembered.
    #[must_use]
    pub fn take_record(&self) -> Vec<DiskOperation> {
        self.0.lock().record.take().unwrap_or_default()
    }

    /// The disk is well again.
    pub fn forget(&self) {
        *self.0.lock() = DiskPlan::default();
    }

    /// The file, failing as planned.
    pub(crate) fn wrap<B: StorageBackend>(&self, disk: B) -> FaultyDisk<B> {
        FaultyDisk { disk, faults: self.clone() }
    }

    /// Remembers what was done, in the order in which it was.
    fn done(&self, operation: impl FnOnce() -> DiskOperation) {
        if let Some(record) = &mut self.0.lock().record {
            record.push(operation());
        }
    }

    fn check_size(&self, len: u64) -> io::Result<()> {
        match self.0.lock().size {
            Some(most) if len > most => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    fn check_write(&self) -> io::Result<()> {
        match &mut self.0.lock().writes {
            Some(0) => Err(io::Error::other("injected write error")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn check_flush(&self) -> io::Result<()> {
        let mut plan = self.0.lock();
        match plan.flushes {
            Some(0) => {
                plan.flushes = None;
                Err(io::Error::other("injected flush error"))
            }
            Some(left) => {
                plan.flushes = Some(left - 1);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl fmt::Debug for DiskFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiskFaults")
    }
}

/// A file of the engine that fails on request.
#[derive(Debug)]
pub(crate) struct FaultyDisk<B> {
    disk: B,
    faults: DiskFaults,
}

impl<B: StorageBackend> StorageBackend for FaultyDisk<B> {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > self.disk.len()? {
            self.faults.check_size(len)?;
        }
        self.disk.set_len(len)?;
        self.faults.done(|| DiskOperation::SetLen(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.faults.check_flush()?;
        self.disk.sync_data()?;
        self.faults.done(|| DiskOperation::Flush);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.faults.check_write()?;
        self.disk.write(offset, data)?;
        self.faults.done(|| DiskOperation::Write { offset, data: data.to_vec() });
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.disk.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.disk.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.unlock_range(start, end)
    }
}
