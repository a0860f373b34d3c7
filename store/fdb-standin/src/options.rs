//! Options of networks, databases and transactions: which there are, and what those mean that change anything here.

use crate::abi::ErrorCode;
use crate::client::{Client, MOST_WATCHES};
use crate::errors;

/// What the options of a transaction come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TransactionOptions {
    /// Milliseconds after which everything fails; 0 never.
    pub(crate) timeout: u64,
    /// Most calls of `on_error`.
    pub(crate) retry_limit: Option<u64>,
    /// Milliseconds that `on_error` waits at most.
    pub(crate) max_retry_delay: u64,
    pub(crate) size_limit: u64,
    pub(crate) read_own_writes: bool,
    pub(crate) snapshot_reads_own_writes: i32,
    pub(crate) next_write_without_conflict: bool,
    pub(crate) read_system_keys: bool,
    pub(crate) write_system_keys: bool,
    pub(crate) unprotected_commit: bool,
    /// Keys behind `\xff\xff` may be written.
    pub(crate) write_special_keys: bool,
    pub(crate) tags: Vec<Vec<u8>>,
}

impl Default for TransactionOptions {
    fn default() -> Self {
        Self {
            timeout: 0,
            retry_limit: None,
            max_retry_delay: 1000,
            size_limit: SIZE_LIMIT,
            read_own_writes: true,
            snapshot_reads_own_writes: 1,
            next_write_without_conflict: false,
            read_system_keys: false,
            write_system_keys: false,
            unprotected_commit: false,
            write_special_keys: false,
            tags: Vec::new(),
        }
    }
}

/// Bytes that a transaction may have.
const SIZE_LIMIT: u64 = 10_000_000;
const TAGS: usize = 5;
const TAG_BYTES: usize = 16;

/// Transaction options that are accepted and change nothing here.
const IGNORED: &[u32] = &[
    10, 20, 21, 23, 40, 50, 52, 110, 120, 130, 200, 201, 300, 304, 400, 401, 402, 403, 404, 405, 406, 507, 508, 509,
    510, 511, 700, 702, 710, 711, 900, 1000, 1101, 1102, 2000,
];
/// Transaction options that exist and would change something that is not built here.
const UNSUPPORTED: &[u32] = &[303, 504, 505, 712, 713, 1100];

impl TransactionOptions {
    /// Sets a `FDBTransactionOption`.
    pub(crate) fn set(&mut self, option: u32, value: &[u8]) -> Result<(), ErrorCode> {
        match option {
            30 => self.next_write_without_conflict = true,
            51 => self.read_own_writes = false,
            301 => (self.read_system_keys, self.write_system_keys) = (true, true),
            302 => self.read_system_keys = true,
            500 => self.timeout = number(value, 0, i32::MAX.into())?.unsigned_abs(),
            501 => self.retry_limit = u64::try_from(number(value, -1, i32::MAX.into())?).ok(),
            502 => self.max_retry_delay = number(value, 0, i32::MAX.into())?.unsigned_abs(),
            503 => self.size_limit = number(value, 32, SIZE_LIMIT.cast_signed())?.unsigned_abs(),
            600 => self.snapshot_reads_own_writes += 1,
            601 => self.snapshot_reads_own_writes -= 1,
            701 => self.unprotected_commit = true,
            714 => self.write_special_keys = true,
            800 | 801 => return self.add_tag(value),
            _ if IGNORED.contains(&option) => {}
            _ if UNSUPPORTED.contains(&option) => return Err(errors::UNSUPPORTED_OPERATION),
            _ => return Err(errors::INVALID_OPTION),
        }
        Ok(())
    }

    fn add_tag(&mut self, tag: &[u8]) -> Result<(), ErrorCode> {
        if tag.len() > TAG_BYTES {
            return Err(errors::TAG_TOO_LONG);
        }
        if self.tags.iter().any(|known| known == tag) {
            return Ok(());
        }
        if self.tags.len() == TAGS {
            return Err(errors::TOO_MANY_TAGS);
        }
        self.tags.push(tag.to_vec());
        Ok(())
    }

    /// The options when the transaction begins again: those of the database, and what stays of its own.
    pub(crate) fn persistent(&self, defaults: &Self) -> Self {
        Self {
            timeout: self.timeout,
            retry_limit: self.retry_limit,
            max_retry_delay: self.max_retry_delay,
            size_limit: self.size_limit,
            ..defaults.clone()
        }
    }
}

/// Sets a `FDBDatabaseOption`.
pub(crate) fn set_database(client: &Client, option: u32, value: &[u8]) -> Result<(), ErrorCode> {
    match option {
        20 => client.set_watch_limit(usize::try_from(number(value, 0, MOST_WATCHES as i64)?).unwrap_or(MOST_WATCHES)),
        26 => client.defaults().snapshot_reads_own_writes = 1,
        27 => client.defaults().snapshot_reads_own_writes = 0,
        500..=503 => return client.defaults().set(option, value),
        701 => client.defaults().unprotected_commit = true,
        10 | 21 | 22 | 405 | 504 | 505 | 900 => {}
        506 | 700 | 702 | 800 => return Err(errors::UNSUPPORTED_OPERATION),
        _ => return Err(errors::INVALID_OPTION),
    }
    Ok(())
}

/// Checks a `FDBNetworkOption`: none changes anything here.
pub(crate) fn check_network(option: u32) -> Result<(), ErrorCode> {
    match option {
        10 | 20 | 30..=49 | 50..=54 | 60..=72 | 80..=83 | 90 | 91 | 1000..=1002 => Ok(()),
        _ => Err(errors::INVALID_OPTION),
    }
}

/// A number of eight bytes, little endian.
fn number(value: &[u8], least: i64, most: i64) -> Result<i64, ErrorCode> {
    let bytes = value.try_into().map_err(|_| errors::INVALID_OPTION_VALUE)?;
    let number = i64::from_le_bytes(bytes);
    if (least..=most).contains(&number) { Ok(number) } else { Err(errors::INVALID_OPTION_VALUE) }
}
