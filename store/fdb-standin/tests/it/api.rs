//! The C functions as tests call them: blocking, with Rust's types.

use std::ffi::{CString, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use fdb_standin::abi::{FDBDatabase, FDBFuture, FDBKeyValue, FDBTransaction};
use fdb_standin::api::database::*;
use fdb_standin::api::future::*;
use fdb_standin::api::network::*;
use fdb_standin::api::transaction::*;

/// An error code.
pub(crate) type Code = c_int;
/// A key with its value.
pub(crate) type Item = (Vec<u8>, Vec<u8>);

/// Mutation types, as `FDBMutationType` has them.
pub(crate) const ADD: c_int = 2;
pub(crate) const XOR: c_int = 8;
pub(crate) const APPEND_IF_FITS: c_int = 9;
pub(crate) const MAX: c_int = 12;
pub(crate) const MIN: c_int = 13;
pub(crate) const STAMPED_KEY: c_int = 14;
pub(crate) const STAMPED_VALUE: c_int = 15;
pub(crate) const BYTE_MIN: c_int = 16;
pub(crate) const COMPARE_AND_CLEAR: c_int = 20;

/// Starts the network thread of this process.
pub(crate) fn start() {
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        assert_eq!(fdb_setup_network(), 2200, "API version is not set");
        assert_eq!(fdb_select_api_version_impl(740, 740), 2203);
        assert_eq!(fdb_select_api_version_impl(730, 720), 2202);
        assert_eq!(fdb_select_api_version_impl(730, 730), 0);
        assert_eq!(fdb_select_api_version_impl(730, 730), 2201, "once");
        assert_eq!(fdb_run_network(), 2008, "not before it is set up");
        assert_eq!(fdb_network_set_option(9999, ptr::null(), 0), 2007);
        assert_eq!(fdb_network_set_option(30, ptr::null(), 0), 0);
        assert_eq!(fdb_setup_network(), 0);
        assert_eq!(fdb_setup_network(), 2009, "once");
        assert_eq!(fdb_network_set_option(30, ptr::null(), 0), 2009, "too late");
        std::thread::spawn(|| fdb_run_network());
    });
}

fn bytes(bytes: &[u8]) -> (*const u8, c_int) {
    (bytes.as_ptr(), c_int::try_from(bytes.len()).unwrap())
}

fn check(code: Code) -> Result<(), Code> {
    if code == 0 { Ok(()) } else { Err(code) }
}

/// `FDBFuture`.
pub(crate) struct Future(pub(crate) *mut FDBFuture);

// SAFETY: the C API's objects may be used from any thread.
unsafe impl Send for Future {}
// SAFETY: as above.
unsafe impl Sync for Future {}

impl Drop for Future {
    fn drop(&mut self) {
        // SAFETY: this is the only handle, and it ends here.
        unsafe { fdb_future_destroy(self.0) };
    }
}

impl Future {
    pub(crate) fn is_ready(&self) -> bool {
        // SAFETY: the handle is alive.
        unsafe { fdb_future_is_ready(self.0) != 0 }
    }

    pub(crate) fn cancel(&self) {
        // SAFETY: the handle is alive.
        unsafe { fdb_future_cancel(self.0) };
    }

    pub(crate) fn error(&self) -> Code {
        // SAFETY: the handle is alive.
        unsafe { fdb_future_get_error(self.0) }
    }

    pub(crate) fn release(&self) {
        // SAFETY: the handle is alive.
        unsafe { fdb_future_release_memory(self.0) };
    }

    /// Waits until it is ready.
    pub(crate) fn done(&self) -> Result<(), Code> {
        // SAFETY: the handle is alive.
        check(unsafe { fdb_future_block_until_ready(self.0) })?;
        check(self.error())
    }

    /// Calls `callback` with `parameter` when it is ready.
    pub(crate) fn set_callback(
        &self,
        callback: unsafe extern "C" fn(*mut FDBFuture, *mut c_void),
        parameter: *mut c_void,
    ) -> Code {
        // SAFETY: the handle is alive, and the caller passes what its callback takes.
        unsafe { fdb_future_set_callback(self.0, Some(callback), parameter) }
    }

    pub(crate) fn int64(&self) -> Result<i64, Code> {
        self.done()?;
        let mut number = 0;
        // SAFETY: the handle is alive and the output a variable.
        check(unsafe { fdb_future_get_int64(self.0, &raw mut number) })?;
        Ok(number)
    }

    pub(crate) fn key(&self) -> Result<Vec<u8>, Code> {
        self.done()?;
        let (mut start, mut length) = (ptr::null(), 0);
        // SAFETY: the handle is alive and the outputs are variables.
        check(unsafe { fdb_future_get_key(self.0, &raw mut start, &raw mut length) })?;
        // SAFETY: the library says that there are this many bytes, for as long as the future lives.
        Ok(unsafe { slice(start, length) }.to_vec())
    }

    pub(crate) fn value(&self) -> Result<Option<Vec<u8>>, Code> {
        self.done()?;
        let (mut present, mut start, mut length) = (0, ptr::null(), 0);
        // SAFETY: the handle is alive and the outputs are variables.
        check(unsafe { fdb_future_get_value(self.0, &raw mut present, &raw mut start, &raw mut length) })?;
        // SAFETY: the library says that there are this many bytes, for as long as the future lives.
        Ok((present != 0).then(|| unsafe { slice(start, length) }.to_vec()))
    }

    /// Items, and whether there are more.
    pub(crate) fn items(&self) -> Result<(Vec<Item>, bool), Code> {
        self.done()?;
        let (mut start, mut count, mut more) = (ptr::null::<FDBKeyValue>(), 0, 0);
        // SAFETY: the handle is alive and the outputs are variables.
        check(unsafe { fdb_future_get_keyvalue_array(self.0, &raw mut start, &raw mut count, &raw mut more) })?;
        let item = |index| {
            // SAFETY: the library says that there are `count` items, for as long as the future lives.
            let item = unsafe { start.add(index).read_unaligned() };
            // SAFETY: as above, for the bytes of an item.
            unsafe { (slice(item.key, item.key_length).to_vec(), slice(item.value, item.value_length).to_vec()) }
        };
        Ok(((0..usize::try_from(count).unwrap()).map(item).collect(), more != 0))
    }
}

/// # Safety
/// There are `length` bytes at `start`.
unsafe fn slice<'a>(start: *const u8, length: c_int) -> &'a [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: the caller promises the bytes.
    unsafe { std::slice::from_raw_parts(start, usize::try_from(length).unwrap()) }
}

/// `FDBDatabase`.
pub(crate) struct Database(*mut FDBDatabase);

// SAFETY: the C API's objects may be used from any thread.
unsafe impl Send for Database {}
// SAFETY: as above.
unsafe impl Sync for Database {}

impl Drop for Database {
    fn drop(&mut self) {
        // SAFETY: this is the only handle, and it ends here.
        unsafe { fdb_database_destroy(self.0) };
    }
}

impl Database {
    /// An empty database.
    pub(crate) fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self::named(&format!("fresh{}", NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// The database of this name.
    pub(crate) fn named(name: &str) -> Self {
        Self::connect(&format!("{name}:standin@127.0.0.1:4500"))
    }

    /// The database of a connection string.
    pub(crate) fn connect(string: &str) -> Self {
        start();
        let string = CString::new(string).unwrap();
        let mut database = ptr::null_mut();
        // SAFETY: the string ends in a zero byte, and the output is a variable.
        assert_eq!(unsafe { fdb_create_database_from_connection_string(string.as_ptr(), &raw mut database) }, 0);
        Self(database)
    }

    /// The database of a cluster file.
    pub(crate) fn file(path: &std::path::Path) -> Self {
        start();
        let path = CString::new(path.to_str().unwrap()).unwrap();
        let mut database = ptr::null_mut();
        // SAFETY: the path ends in a zero byte, and the output is a variable.
        assert_eq!(unsafe { fdb_create_database(path.as_ptr(), &raw mut database) }, 0);
        Self(database)
    }

    pub(crate) fn set_faults(&self, plan: &str) -> Code {
        let (plan, length) = bytes(plan.as_bytes());
        // SAFETY: the handle is alive and the bytes are there.
        unsafe { fdb_standin_set_faults(self.0, plan, length) }
    }

    pub(crate) fn set_option(&self, option: c_int, value: i64) -> Code {
        let value = value.to_le_bytes();
        // SAFETY: the handle is alive and the bytes are there.
        unsafe { fdb_database_set_option(self.0, option, value.as_ptr(), 8) }
    }

    pub(crate) fn begin(&self) -> Transaction {
        let mut transaction = ptr::null_mut();
        // SAFETY: the handle is alive and the output is a variable.
        assert_eq!(unsafe { fdb_database_create_transaction(self.0, &raw mut transaction) }, 0);
        Transaction(transaction)
    }

    /// Commits one key.
    pub(crate) fn put(&self, key: &[u8], value: &[u8]) {
        let transaction = self.begin();
        transaction.set(key, value);
        transaction.commit().done().unwrap();
    }

    /// Commits a key for each letter.
    pub(crate) fn put_letters(&self, letters: &str) {
        let transaction = self.begin();
        letters.bytes().for_each(|letter| transaction.set(&[letter], &[letter]));
        transaction.commit().done().unwrap();
    }

    pub(crate) fn value(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.begin().get(key).value().unwrap()
    }
}

/// `FDBTransaction`.
pub(crate) struct Transaction(*mut FDBTransaction);

// SAFETY: the C API's objects may be used from any thread.
unsafe impl Send for Transaction {}
// SAFETY: as above.
unsafe impl Sync for Transaction {}

impl Drop for Transaction {
    fn drop(&mut self) {
        // SAFETY: this is the only handle, and it ends here.
        unsafe { fdb_transaction_destroy(self.0) };
    }
}

/// A key selector: key, whether it counts as below, keys to go on.
pub(crate) type Selector<'a> = (&'a [u8], bool, c_int);

/// First key at or behind this one.
pub(crate) fn at_or_after(key: &[u8]) -> Selector<'_> {
    (key, false, 1)
}

/// What a range read asks for.
#[derive(Clone, Copy)]
pub(crate) struct Range<'a> {
    pub(crate) begin: Selector<'a>,
    pub(crate) end: Selector<'a>,
    pub(crate) limit: c_int,
    pub(crate) target_bytes: c_int,
    pub(crate) mode: c_int,
    pub(crate) iteration: c_int,
    pub(crate) snapshot: bool,
    pub(crate) reverse: bool,
}

/// From a key to a key, all that is there.
pub(crate) fn range<'a>(begin: &'a [u8], end: &'a [u8]) -> Range<'a> {
    let (begin, end) = (at_or_after(begin), at_or_after(end));
    Range { begin, end, limit: 0, target_bytes: 0, mode: -2, iteration: 1, snapshot: false, reverse: false }
}

impl Transaction {
    pub(crate) fn set(&self, key: &[u8], value: &[u8]) {
        let ((key, key_length), (value, value_length)) = (bytes(key), bytes(value));
        // SAFETY: the handle is alive and the bytes are there.
        unsafe { fdb_transaction_set(self.0, key, key_length, value, value_length) };
    }

    pub(crate) fn clear(&self, key: &[u8]) {
        let (key, length) = bytes(key);
        // SAFETY: the handle is alive and the bytes are there.
        unsafe { fdb_transaction_clear(self.0, key, length) };
    }

    pub(crate) fn clear_range(&self, begin: &[u8], end: &[u8]) {
        let ((begin, begin_length), (end, end_length)) = (bytes(begin), bytes(end));
        // SAFETY: the handle is alive and the bytes are there.
        unsafe { fdb_transaction_clear_range(self.0, begin, begin_length, end, end_length) };
    }

    pub(crate) fn atomic(&self, op: c_int, key: &[u8], param: &[u8]) {
        let ((key, key_length), (param, param_length)) = (bytes(key), bytes(param));
        // SAFETY: the handle is alive and the bytes are there.
        unsafe { fdb_transaction_atomic_op(self.0, key, key_length, param, param_length, op) };
    }

    /// `write` or a read conflict.
    pub(crate) fn add_conflict(&self, begin: &[u8], end: &[u8], write: bool) -> Code {
        let ((begin, begin_length), (end, end_length)) = (bytes(begin), bytes(end));
        // SAFETY: the handle is alive and the bytes are there.
        unsafe { fdb_transaction_add_conflict_range(self.0, begin, begin_length, end, end_length, c_int::from(write)) }
    }

    pub(crate) fn set_option(&self, option: c_int, value: &[u8]) -> Code {
        let (value, length) = bytes(value);
        // SAFETY: the handle is alive and the bytes are there.
        unsafe { fdb_transaction_set_option(self.0, option, value, length) }
    }

    pub(crate) fn set_read_version(&self, version: i64) {
        // SAFETY: the handle is alive.
        unsafe { fdb_transaction_set_read_version(self.0, version) };
    }

    pub(crate) fn cancel(&self) {
        // SAFETY: the handle is alive.
        unsafe { fdb_transaction_cancel(self.0) };
    }

    pub(crate) fn reset(&self) {
        // SAFETY: the handle is alive.
        unsafe { fdb_transaction_reset(self.0) };
    }

    pub(crate) fn read_version(&self) -> Future {
        // SAFETY: the handle is alive.
        Future(unsafe { fdb_transaction_get_read_version(self.0) })
    }

    pub(crate) fn get(&self, key: &[u8]) -> Future {
        self.read(key, false)
    }

    pub(crate) fn read(&self, key: &[u8], snapshot: bool) -> Future {
        let (key, length) = bytes(key);
        // SAFETY: the handle is alive and the bytes are there.
        Future(unsafe { fdb_transaction_get(self.0, key, length, c_int::from(snapshot)) })
    }

    pub(crate) fn get_key(&self, (key, or_equal, offset): Selector<'_>) -> Future {
        let (key, length) = bytes(key);
        // SAFETY: the handle is alive and the bytes are there.
        Future(unsafe { fdb_transaction_get_key(self.0, key, length, c_int::from(or_equal), offset, 0) })
    }

    pub(crate) fn get_range(&self, range: Range<'_>) -> Future {
        let ((begin, begin_length), (end, end_length)) = (bytes(range.begin.0), bytes(range.end.0));
        // SAFETY: the handle is alive and the bytes are there.
        Future(unsafe {
            fdb_transaction_get_range(
                self.0,
                begin,
                begin_length,
                c_int::from(range.begin.1),
                range.begin.2,
                end,
                end_length,
                c_int::from(range.end.1),
                range.end.2,
                range.limit,
                range.target_bytes,
                range.mode,
                range.iteration,
                c_int::from(range.snapshot),
                c_int::from(range.reverse),
            )
        })
    }

    /// The keys of a range as one string.
    pub(crate) fn letters(&self, range: Range<'_>) -> String {
        let (items, _) = self.get_range(range).items().unwrap();
        items.iter().map(|(key, _)| String::from_utf8_lossy(key).into_owned()).collect()
    }

    pub(crate) fn watch(&self, key: &[u8]) -> Future {
        let (key, length) = bytes(key);
        // SAFETY: the handle is alive and the bytes are there.
        Future(unsafe { fdb_transaction_watch(self.0, key, length) })
    }

    pub(crate) fn commit(&self) -> Future {
        // SAFETY: the handle is alive.
        Future(unsafe { fdb_transaction_commit(self.0) })
    }

    pub(crate) fn on_error(&self, code: Code) -> Future {
        // SAFETY: the handle is alive.
        Future(unsafe { fdb_transaction_on_error(self.0, code) })
    }

    pub(crate) fn versionstamp(&self) -> Future {
        // SAFETY: the handle is alive.
        Future(unsafe { fdb_transaction_get_versionstamp(self.0) })
    }

    pub(crate) fn committed_version(&self) -> i64 {
        let mut version = 0;
        // SAFETY: the handle is alive and the output is a variable.
        assert_eq!(unsafe { fdb_transaction_get_committed_version(self.0, &raw mut version) }, 0);
        version
    }

    pub(crate) fn approximate_size(&self) -> i64 {
        // SAFETY: the handle is alive.
        Future(unsafe { fdb_transaction_get_approximate_size(self.0) }).int64().unwrap()
    }
}
