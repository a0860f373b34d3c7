//! Error codes with their texts and predicates, as FoundationDB documents them
//! (<https://apple.github.io/foundationdb/api-error-codes.html>, `flow/error_definitions.h`).

use std::ffi::CStr;

use crate::abi::ErrorCode;

macro_rules! codes {
    ($($name:ident = $code:literal, $text:literal;)+) => {
        $(pub const $name: ErrorCode = $code;)+

        /// The text of a code.
        #[must_use]
        pub fn text(code: ErrorCode) -> &'static CStr {
            match code {
                $($code => $text,)+
                _ => c"UNKNOWN_ERROR",
            }
        }
    };
}

codes! {
    SUCCESS = 0, c"Success";
    TIMED_OUT = 1004, c"Operation timed out";
    TRANSACTION_TOO_OLD = 1007, c"Transaction is too old to perform reads or be committed";
    FUTURE_VERSION = 1009, c"Request for future version";
    NOT_COMMITTED = 1020, c"Transaction not committed due to conflict with another transaction";
    COMMIT_UNKNOWN_RESULT = 1021, c"Transaction may or may not have committed";
    TRANSACTION_CANCELLED = 1025, c"Operation aborted because the transaction was cancelled";
    TRANSACTION_TIMED_OUT = 1031, c"Operation aborted because the transaction timed out";
    TOO_MANY_WATCHES = 1032, c"Too many watches currently set";
    WATCHES_DISABLED = 1034, c"Watches cannot be set if read your writes is disabled";
    ACCESSED_UNREADABLE = 1036, c"Read or wrote an unreadable key";
    PROCESS_BEHIND = 1037, c"Storage process does not have recent mutations";
    DATABASE_LOCKED = 1038, c"Database is locked";
    CLUSTER_VERSION_CHANGED = 1039, c"The protocol version of the cluster has changed";
    COMMIT_PROXY_MEMORY = 1042, c"CommitProxy commit memory limit exceeded";
    BATCH_THROTTLED = 1051, c"Batch GRV request rate limit exceeded";
    GRV_PROXY_MEMORY = 1078, c"GetReadVersion proxy memory limit exceeded";
    OPERATION_CANCELLED = 1101, c"Asynchronous operation cancelled";
    FUTURE_RELEASED = 1102, c"Future has been released";
    TAG_THROTTLED = 1213, c"Transaction tag is being throttled";
    THROTTLED_HOT_SHARD = 1235, c"Transaction throttled due to hot shard";
    NO_CLUSTER_FILE = 1515, c"No cluster file found in current directory or default location";
    INVALID_OPERATION = 2000, c"Invalid API call";
    KEY_OUTSIDE_LEGAL_RANGE = 2004, c"Key outside legal range";
    INVERTED_RANGE = 2005, c"Range begin key larger than end key";
    INVALID_OPTION_VALUE = 2006, c"Option set with an invalid value";
    INVALID_OPTION = 2007, c"Option not valid in this context";
    NETWORK_NOT_SETUP = 2008, c"Action not possible before the network is configured";
    NETWORK_ALREADY_SETUP = 2009, c"Network can be configured only once";
    READ_VERSION_ALREADY_SET = 2010, c"Transaction already has a read version set";
    VERSION_INVALID = 2011, c"Version not valid";
    FUTURE_NOT_SET = 2015, c"Future not ready";
    USED_DURING_COMMIT = 2017, c"Operation issued while a commit was outstanding";
    INVALID_MUTATION_TYPE = 2018, c"Unrecognized atomic mutation type";
    TRANSACTION_INVALID_VERSION = 2020, c"Transaction does not have a valid commit version";
    NO_COMMIT_VERSION = 2021, c"Transaction is read-only and therefore does not have a commit version";
    NETWORK_CANNOT_BE_RESTARTED = 2025, c"Network can only be started once";
    BLOCKED_FROM_NETWORK_THREAD = 2026, c"Detected a deadlock in a callback called from the network thread";
    TRANSACTION_TOO_LARGE = 2101, c"Transaction exceeds byte limit";
    KEY_TOO_LARGE = 2102, c"Key length exceeds limit";
    VALUE_TOO_LARGE = 2103, c"Value length exceeds limit";
    CONNECTION_STRING_INVALID = 2104, c"Connection string invalid";
    UNSUPPORTED_OPERATION = 2108, c"Operation is not supported";
    TOO_MANY_TAGS = 2109, c"Too many tags set on transaction";
    TAG_TOO_LONG = 2110, c"Tag set on transaction is too long";
    API_VERSION_UNSET = 2200, c"API version is not set";
    API_VERSION_ALREADY_SET = 2201, c"API version may be set only once";
    API_VERSION_INVALID = 2202, c"API version not valid";
    API_VERSION_NOT_SUPPORTED = 2203, c"API version not supported";
    EXACT_MODE_WITHOUT_LIMITS = 2210, c"EXACT streaming mode requires limits, but none were given";
}

/// `FDB_ERROR_PREDICATE_RETRYABLE`.
pub const RETRYABLE: i32 = 50_000;
/// `FDB_ERROR_PREDICATE_MAYBE_COMMITTED`.
pub const MAYBE_COMMITTED: i32 = 50_001;
/// `FDB_ERROR_PREDICATE_RETRYABLE_NOT_COMMITTED`.
pub const RETRYABLE_NOT_COMMITTED: i32 = 50_002;

/// Whether a code has a property.
#[must_use]
pub fn holds(predicate: i32, code: ErrorCode) -> bool {
    match predicate {
        RETRYABLE => holds(MAYBE_COMMITTED, code) || holds(RETRYABLE_NOT_COMMITTED, code),
        MAYBE_COMMITTED => matches!(code, COMMIT_UNKNOWN_RESULT | CLUSTER_VERSION_CHANGED),
        RETRYABLE_NOT_COMMITTED => matches!(
            code,
            NOT_COMMITTED
                | TRANSACTION_TOO_OLD
                | FUTURE_VERSION
                | DATABASE_LOCKED
                | GRV_PROXY_MEMORY
                | COMMIT_PROXY_MEMORY
                | THROTTLED_HOT_SHARD
                | BATCH_THROTTLED
                | PROCESS_BEHIND
                | TAG_THROTTLED
        ),
        _ => false,
    }
}
