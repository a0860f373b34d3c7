//! What the client library's error codes mean to a caller
//! (<https://apple.github.io/foundationdb/api-error-codes.html>).

use foundationdb::FdbError;

use crate::error::{Error, ErrorKind, Limit};

/// The error of an operation.
pub(super) fn from_fdb(what: impl Into<String>, error: FdbError) -> Error {
    Error::with_source(kind(error), what, Coded(error))
}

fn kind(error: FdbError) -> ErrorKind {
    match error.code() {
        1020 => ErrorKind::Conflict,
        1007 => ErrorKind::TooOld,
        1032 => ErrorKind::TooLarge(Limit::Watches),
        2101 => ErrorKind::TooLarge(Limit::Transaction),
        2102 => ErrorKind::TooLarge(Limit::Key),
        2103 => ErrorKind::TooLarge(Limit::Value),
        1025 | 1101 => ErrorKind::Cancelled,
        // Unreadable keys, illegal keys, ranges, options, mutations; use during a commit; cluster strings.
        1036 | 2000 | 2002..=2007 | 2017 | 2018 | 2104 | 2109 | 2110 => ErrorKind::Invalid,
        2200..=2204 => ErrorKind::Format,
        _ if error.is_maybe_committed() => ErrorKind::UnknownResult,
        _ if error.is_retryable() => ErrorKind::Unavailable,
        // Time-outs, lost connections, clients that do not match the cluster's version yet.
        1004 | 1026 | 1031 | 2100 | 2125 => ErrorKind::Unavailable,
        _ => ErrorKind::Io,
    }
}

/// The error of a watch. Whatever ended it, nobody waits any more; who still wants to know sets another.
pub(super) fn from_watch(error: FdbError) -> Error {
    let kind = match kind(error) {
        kind @ (ErrorKind::TooLarge(_) | ErrorKind::Invalid) => kind,
        _ => ErrorKind::Cancelled,
    };
    Error::with_source(kind, "watch ended", Coded(error))
}

/// The library's text with its code.
#[derive(Debug, thiserror::Error)]
#[error("FoundationDB error {}: {}", .0.code(), .0.message())]
struct Coded(FdbError);
