//! Transactions.

use std::ffi::{CString, c_int};
use std::sync::Arc;

use crate::abi::{Boolean, ErrorCode, FDBFuture, FDBTransaction, bytes};
use crate::errors;
use crate::future::{self, Future, Value};
use crate::reading::RangeRead;
use crate::transaction::Transaction;
use crate::view::Selector;

/// The transaction that a caller names.
///
/// # Safety
/// The pointer came from `fdb_database_create_transaction` and was not destroyed.
unsafe fn transaction<'a>(tr: *mut FDBTransaction) -> &'a Arc<Transaction> {
    // SAFETY: as promised by the caller.
    unsafe { &*tr.cast::<Arc<Transaction>>() }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_destroy(tr: *mut FDBTransaction) {
    // SAFETY: the caller gives back what was handed out, once.
    unsafe { Box::from_raw(tr.cast::<Arc<Transaction>>()) }.destroy();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_cancel(tr: *mut FDBTransaction) {
    // SAFETY: the caller passes a transaction that it has not destroyed.
    unsafe { transaction(tr) }.cancel();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_reset(tr: *mut FDBTransaction) {
    // SAFETY: the caller passes a transaction that it has not destroyed.
    unsafe { transaction(tr) }.reset();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_set_option(
    tr: *mut FDBTransaction,
    option: c_int,
    value: *const u8,
    value_length: c_int,
) -> ErrorCode {
    // SAFETY: the caller passes a transaction that it has not destroyed, and bytes with their length.
    let (tr, value) = unsafe { (transaction(tr), bytes(value, value_length)) };
    u32::try_from(option).map_or(errors::INVALID_OPTION, |option| tr.set_option(option, value))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_set_read_version(tr: *mut FDBTransaction, version: i64) {
    // SAFETY: the caller passes a transaction that it has not destroyed.
    unsafe { transaction(tr) }.set_read_version(version);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_read_version(tr: *mut FDBTransaction) -> *mut FDBFuture {
    // SAFETY: the caller passes a transaction that it has not destroyed.
    future::into_raw(unsafe { transaction(tr) }.get_read_version())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get(
    tr: *mut FDBTransaction,
    key: *const u8,
    key_length: c_int,
    snapshot: Boolean,
) -> *mut FDBFuture {
    // SAFETY: the caller passes a transaction that it has not destroyed, and bytes with their length.
    let (tr, key) = unsafe { (transaction(tr), bytes(key, key_length)) };
    future::into_raw(tr.get(key, snapshot != 0))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_key(
    tr: *mut FDBTransaction,
    key: *const u8,
    key_length: c_int,
    or_equal: Boolean,
    offset: c_int,
    snapshot: Boolean,
) -> *mut FDBFuture {
    // SAFETY: the caller passes a transaction that it has not destroyed, and bytes with their length.
    let (tr, key) = unsafe { (transaction(tr), bytes(key, key_length)) };
    future::into_raw(tr.get_key(Selector::new(key, or_equal != 0, offset), snapshot != 0))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_range(
    tr: *mut FDBTransaction,
    begin_key: *const u8,
    begin_key_length: c_int,
    begin_or_equal: Boolean,
    begin_offset: c_int,
    end_key: *const u8,
    end_key_length: c_int,
    end_or_equal: Boolean,
    end_offset: c_int,
    limit: c_int,
    target_bytes: c_int,
    mode: c_int,
    iteration: c_int,
    snapshot: Boolean,
    reverse: Boolean,
) -> *mut FDBFuture {
    // SAFETY: the caller passes a transaction that it has not destroyed, and bytes with their lengths.
    let (tr, begin_key, end_key) =
        unsafe { (transaction(tr), bytes(begin_key, begin_key_length), bytes(end_key, end_key_length)) };
    let future = match limits(limit, target_bytes, mode, iteration) {
        Ok((rows, bytes)) => {
            let begin = Selector::new(begin_key, begin_or_equal != 0, begin_offset);
            let end = Selector::new(end_key, end_or_equal != 0, end_offset);
            tr.get_range(RangeRead { begin, end, rows, bytes, reverse: reverse != 0 }, snapshot != 0)
        }
        Err(code) => Future::done(Err(code)),
    };
    future::into_raw(future)
}

/// Bytes that each iteration of `FDB_STREAMING_MODE_ITERATOR` answers.
const ITERATIONS: [usize; 10] = [4096, 6144, 9216, 13_824, 20_736, 31_104, 46_656, 69_984, 80_000, 120_000];

/// The limits of rows and bytes of a range read, as `fdb_c.cpp` takes them from its parameters.
fn limits(
    limit: c_int,
    target_bytes: c_int,
    mode: c_int,
    iteration: c_int,
) -> Result<(Option<usize>, Option<usize>), ErrorCode> {
    let positive = |number: c_int| match usize::try_from(number) {
        Ok(0) => Ok(None),
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(errors::INVALID_OPERATION),
    };
    let (rows, bytes) = (positive(limit)?, positive(target_bytes)?);
    let of_mode = match mode {
        -2 | 4 => Some(120_000),
        -1 => {
            let iteration = positive(iteration)?.ok_or(errors::INVALID_OPERATION)?;
            Some(ITERATIONS[iteration.min(ITERATIONS.len()) - 1])
        }
        0 if rows.is_none() && bytes.is_none() => return Err(errors::EXACT_MODE_WITHOUT_LIMITS),
        0 => None,
        1 => Some(256),
        2 => Some(1000),
        3 => Some(4096),
        _ => return Err(errors::INVALID_OPERATION),
    };
    Ok((rows, [bytes, of_mode].into_iter().flatten().min()))
}

/// Mapped range reads are not built here.
#[unsafe(no_mangle)]
pub extern "C" fn fdb_transaction_get_mapped_range(
    _tr: *mut FDBTransaction,
    _begin_key: *const u8,
    _begin_key_length: c_int,
    _begin_or_equal: Boolean,
    _begin_offset: c_int,
    _end_key: *const u8,
    _end_key_length: c_int,
    _end_or_equal: Boolean,
    _end_offset: c_int,
    _mapper: *const u8,
    _mapper_length: c_int,
    _limit: c_int,
    _target_bytes: c_int,
    _mode: c_int,
    _iteration: c_int,
    _snapshot: Boolean,
    _reverse: Boolean,
) -> *mut FDBFuture {
    future::into_raw(Future::done(Err(errors::UNSUPPORTED_OPERATION)))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_set(
    tr: *mut FDBTransaction,
    key: *const u8,
    key_length: c_int,
    value: *const u8,
    value_length: c_int,
) {
    // SAFETY: the caller passes a transaction that it has not destroyed, and bytes with their lengths.
    let (tr, key, value) = unsafe { (transaction(tr), bytes(key, key_length), bytes(value, value_length)) };
    tr.set(key, value);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_atomic_op(
    tr: *mut FDBTransaction,
    key: *const u8,
    key_length: c_int,
    param: *const u8,
    param_length: c_int,
    operation: c_int,
) {
    // SAFETY: the caller passes a transaction that it has not destroyed, and bytes with their lengths.
    let (tr, key, param) = unsafe { (transaction(tr), bytes(key, key_length), bytes(param, param_length)) };
    tr.atomic(operation, key, param);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_clear(tr: *mut FDBTransaction, key: *const u8, key_length: c_int) {
    // SAFETY: the caller passes a transaction that it has not destroyed, and bytes with their length.
    let (tr, key) = unsafe { (transaction(tr), bytes(key, key_length)) };
    tr.clear(key);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_clear_range(
    tr: *mut FDBTransaction,
    begin: *const u8,
    begin_length: c_int,
    end: *const u8,
    end_length: c_int,
) {
    // SAFETY: the caller passes a transaction that it has not destroyed, and bytes with their lengths.
    let (tr, begin, end) = unsafe { (transaction(tr), bytes(begin, begin_length), bytes(end, end_length)) };
    tr.clear_range(begin, end);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_add_conflict_range(
    tr: *mut FDBTransaction,
    begin: *const u8,
    begin_length: c_int,
    end: *const u8,
    end_length: c_int,
    kind: c_int,
) -> ErrorCode {
    // SAFETY: the caller passes a transaction that it has not destroyed, and bytes with their lengths.
    let (tr, begin, end) = unsafe { (transaction(tr), bytes(begin, begin_length), bytes(end, end_length)) };
    match kind {
        0 => tr.add_conflict_range(begin, end, false),
        1 => tr.add_conflict_range(begin, end, true),
        _ => errors::INVALID_OPERATION,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_watch(
    tr: *mut FDBTransaction,
    key: *const u8,
    key_length: c_int,
) -> *mut FDBFuture {
    // SAFETY: the caller passes a transaction that it has not destroyed, and bytes with their length.
    let (tr, key) = unsafe { (transaction(tr), bytes(key, key_length)) };
    future::into_raw(tr.watch(key))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_commit(tr: *mut FDBTransaction) -> *mut FDBFuture {
    // SAFETY: the caller passes a transaction that it has not destroyed.
    future::into_raw(unsafe { transaction(tr) }.commit())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_committed_version(
    tr: *mut FDBTransaction,
    out_version: *mut i64,
) -> ErrorCode {
    // SAFETY: the caller passes a transaction that it has not destroyed, and an output parameter that may be written to.
    unsafe { out_version.write(transaction(tr).committed_version()) };
    errors::SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_versionstamp(tr: *mut FDBTransaction) -> *mut FDBFuture {
    // SAFETY: the caller passes a transaction that it has not destroyed.
    future::into_raw(unsafe { transaction(tr) }.get_versionstamp())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_on_error(tr: *mut FDBTransaction, error: ErrorCode) -> *mut FDBFuture {
    // SAFETY: the caller passes a transaction that it has not destroyed.
    future::into_raw(unsafe { transaction(tr) }.on_error(error))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_approximate_size(tr: *mut FDBTransaction) -> *mut FDBFuture {
    // SAFETY: the caller passes a transaction that it has not destroyed.
    future::into_raw(unsafe { transaction(tr) }.get_approximate_size())
}

/// One process holds everything.
#[unsafe(no_mangle)]
pub extern "C" fn fdb_transaction_get_addresses_for_key(
    _tr: *mut FDBTransaction,
    _key: *const u8,
    _key_length: c_int,
) -> *mut FDBFuture {
    const ADDRESS: &[u8] = b"127.0.0.1:4500";
    let addresses = CString::new(ADDRESS).into_iter().collect();
    future::into_raw(Future::done(Ok(Value::Strings(addresses))))
}

/// Estimates of sizes are not built here.
#[unsafe(no_mangle)]
pub extern "C" fn fdb_transaction_get_estimated_range_size_bytes(
    _tr: *mut FDBTransaction,
    _begin: *const u8,
    _begin_length: c_int,
    _end: *const u8,
    _end_length: c_int,
) -> *mut FDBFuture {
    future::into_raw(Future::done(Err(errors::UNSUPPORTED_OPERATION)))
}

/// A range need not be split: its bounds are all the points.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_range_split_points(
    _tr: *mut FDBTransaction,
    begin: *const u8,
    begin_length: c_int,
    end: *const u8,
    end_length: c_int,
    _chunk_size: i64,
) -> *mut FDBFuture {
    // SAFETY: the caller passes bytes with their lengths.
    let (begin, end) = unsafe { (bytes(begin, begin_length), bytes(end, end_length)) };
    future::into_raw(Future::done(Ok(Value::Keys(vec![begin.to_vec(), end.to_vec()]))))
}
