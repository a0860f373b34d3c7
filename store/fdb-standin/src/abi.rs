//! The types of the C API, written by hand as `fdb_c.h` and `fdb_c_types.h` of 7.3 have them.

use std::ffi::{c_int, c_void};

/// `fdb_error_t`: 0 is success.
pub type ErrorCode = c_int;
/// `fdb_bool_t`.
pub type Boolean = c_int;

/// `FDBFuture`, seen from outside.
#[repr(C)]
pub struct FDBFuture {
    _opaque: [u8; 0],
}

/// `FDBDatabase`, seen from outside.
#[repr(C)]
pub struct FDBDatabase {
    _opaque: [u8; 0],
}

/// `FDBTransaction`, seen from outside.
#[repr(C)]
pub struct FDBTransaction {
    _opaque: [u8; 0],
}

/// `FDBKey`.
#[repr(C, packed(4))]
#[derive(Clone, Copy)]
pub struct FDBKey {
    pub key: *const u8,
    pub key_length: c_int,
}

/// `FDBKeyValue`.
#[repr(C, packed(4))]
#[derive(Clone, Copy)]
pub struct FDBKeyValue {
    pub key: *const u8,
    pub key_length: c_int,
    pub value: *const u8,
    pub value_length: c_int,
}

/// `FDBCallback`.
pub type FDBCallback = Option<unsafe extern "C" fn(*mut FDBFuture, *mut c_void)>;

/// The bytes that a pointer and a length name; a null pointer or a length of at most 0 names none.
///
/// # Safety
/// A pointer that is not null points at `length` bytes that stay as they are while the slice is used.
pub(crate) unsafe fn bytes<'a>(start: *const u8, length: c_int) -> &'a [u8] {
    match usize::try_from(length) {
        // SAFETY: the caller promises that there are this many bytes.
        Ok(length) if length > 0 && !start.is_null() => unsafe { std::slice::from_raw_parts(start, length) },
        _ => &[],
    }
}

/// Length of a slice as the C API says it.
pub(crate) fn length(bytes: &[u8]) -> c_int {
    c_int::try_from(bytes.len()).unwrap_or(c_int::MAX)
}
