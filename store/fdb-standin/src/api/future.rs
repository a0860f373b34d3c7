//! Futures.

use std::ffi::{c_char, c_int, c_void};

use crate::abi::{Boolean, ErrorCode, FDBCallback, FDBFuture, FDBKey, FDBKeyValue, length};
use crate::errors;
use crate::future::{self, Future, Ready, Value};

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_cancel(f: *mut FDBFuture) {
    // SAFETY: the caller passes a future that it has not destroyed.
    unsafe { future::borrow(f) }.cancel();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_release_memory(f: *mut FDBFuture) {
    // SAFETY: the caller passes a future that it has not destroyed.
    unsafe { future::borrow(f) }.release();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_destroy(f: *mut FDBFuture) {
    // SAFETY: the caller passes a future that it has not destroyed, and does not use it again.
    unsafe { future::take(f) }.cancel();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_block_until_ready(f: *mut FDBFuture) -> ErrorCode {
    // SAFETY: the caller passes a future that it has not destroyed.
    unsafe { future::borrow(f) }.wait()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_is_ready(f: *mut FDBFuture) -> Boolean {
    // SAFETY: the caller passes a future that it has not destroyed.
    Boolean::from(unsafe { future::borrow(f) }.is_ready())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_set_callback(
    f: *mut FDBFuture,
    callback: FDBCallback,
    parameter: *mut c_void,
) -> ErrorCode {
    // SAFETY: the caller passes a future that it has not destroyed.
    unsafe { future::borrow(f) }.set_callback(callback, parameter)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_error(f: *mut FDBFuture) -> ErrorCode {
    // SAFETY: the caller passes a future that it has not destroyed.
    unsafe { future::borrow(f) }.error()
}

/// Writes through an output parameter.
///
/// # Safety
/// The pointer is null or may be written to.
unsafe fn put<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: the caller promises that it may be written to.
        unsafe { out.write_unaligned(value) };
    }
}

/// Hands the value of a future to `read`.
///
/// # Safety
/// The caller passes a future that it has not destroyed.
unsafe fn value(f: *mut FDBFuture, read: impl FnOnce(&Value, &Ready) -> Option<()>) -> ErrorCode {
    // SAFETY: as promised by the caller.
    let future = unsafe { future::borrow(f) };
    match Future::value(&future) {
        Ok((value, ready)) => read(value, ready).map_or(errors::INVALID_OPERATION, |()| errors::SUCCESS),
        Err(code) => code,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_int64(f: *mut FDBFuture, out: *mut i64) -> ErrorCode {
    let read = |found: &Value, _: &Ready| match found {
        Value::Int64(number) => {
            // SAFETY: the caller's output parameter may be written to.
            unsafe { put(out, *number) };
            Some(())
        }
        _ => None,
    };
    // SAFETY: the caller passes a future that it has not destroyed.
    unsafe { value(f, read) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_key(
    f: *mut FDBFuture,
    out_key: *mut *const u8,
    out_key_length: *mut c_int,
) -> ErrorCode {
    let read = |found: &Value, _: &Ready| match found {
        Value::Key(key) => {
            // SAFETY: the caller's output parameters may be written to.
            unsafe {
                put(out_key, key.as_ptr());
                put(out_key_length, length(key));
            }
            Some(())
        }
        _ => None,
    };
    // SAFETY: the caller passes a future that it has not destroyed.
    unsafe { value(f, read) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_value(
    f: *mut FDBFuture,
    out_present: *mut Boolean,
    out_value: *mut *const u8,
    out_value_length: *mut c_int,
) -> ErrorCode {
    let read = |found: &Value, _: &Ready| match found {
        Value::Stored(found) => {
            let bytes = found.as_deref().unwrap_or_default();
            // SAFETY: the caller's output parameters may be written to.
            unsafe {
                put(out_present, Boolean::from(found.is_some()));
                put(out_value, bytes.as_ptr());
                put(out_value_length, length(bytes));
            }
            Some(())
        }
        _ => None,
    };
    // SAFETY: the caller passes a future that it has not destroyed.
    unsafe { value(f, read) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_keyvalue_array(
    f: *mut FDBFuture,
    out_kv: *mut *const FDBKeyValue,
    out_count: *mut c_int,
    out_more: *mut Boolean,
) -> ErrorCode {
    let read = |found: &Value, ready: &Ready| match found {
        Value::Items { more, .. } => {
            // SAFETY: the caller's output parameters may be written to.
            unsafe {
                put(out_kv, ready.items.as_ptr());
                put(out_count, c_int::try_from(ready.items.len()).unwrap_or(c_int::MAX));
                put(out_more, Boolean::from(*more));
            }
            Some(())
        }
        _ => None,
    };
    // SAFETY: the caller passes a future that it has not destroyed.
    unsafe { value(f, read) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_key_array(
    f: *mut FDBFuture,
    out_keys: *mut *const FDBKey,
    out_count: *mut c_int,
) -> ErrorCode {
    let read = |found: &Value, ready: &Ready| match found {
        Value::Keys(_) => {
            // SAFETY: the caller's output parameters may be written to.
            unsafe {
                put(out_keys, ready.keys.as_ptr());
                put(out_count, c_int::try_from(ready.keys.len()).unwrap_or(c_int::MAX));
            }
            Some(())
        }
        _ => None,
    };
    // SAFETY: the caller passes a future that it has not destroyed.
    unsafe { value(f, read) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_string_array(
    f: *mut FDBFuture,
    out_strings: *mut *const *const c_char,
    out_count: *mut c_int,
) -> ErrorCode {
    let read = |found: &Value, ready: &Ready| match found {
        Value::Strings(_) => {
            // SAFETY: the caller's output parameters may be written to.
            unsafe {
                put(out_strings, ready.strings.as_ptr());
                put(out_count, c_int::try_from(ready.strings.len()).unwrap_or(c_int::MAX));
            }
            Some(())
        }
        _ => None,
    };
    // SAFETY: the caller passes a future that it has not destroyed.
    unsafe { value(f, read) }
}

/// Mapped range reads are not built here, so that no future has such a value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_mappedkeyvalue_array(
    f: *mut FDBFuture,
    _out_kv: *mut *const c_void,
    _out_count: *mut c_int,
    _out_more: *mut Boolean,
) -> ErrorCode {
    // SAFETY: the caller passes a future that it has not destroyed.
    unsafe { value(f, |_, _| None) }
}
