//! Error texts and predicates (<https://apple.github.io/foundationdb/api-c.html#c.fdb_error_predicate>).

use std::ffi::CStr;

use fdb_standin::api::network::{fdb_error_predicate, fdb_get_error, fdb_get_max_api_version};

const RETRYABLE: i32 = 50_000;
const MAYBE_COMMITTED: i32 = 50_001;
const RETRYABLE_NOT_COMMITTED: i32 = 50_002;

#[test]
fn predicates_hold_for_the_documented_codes() {
    let not_committed = [1007, 1009, 1020, 1037, 1038, 1042, 1051, 1078, 1213];
    let maybe = [1021, 1039];
    for code in 0..7000 {
        let (no, may) = (not_committed.contains(&code) || code == 1235, maybe.contains(&code));
        assert_eq!(fdb_error_predicate(RETRYABLE_NOT_COMMITTED, code) != 0, no, "{code}");
        assert_eq!(fdb_error_predicate(MAYBE_COMMITTED, code) != 0, may, "{code}");
        assert_eq!(fdb_error_predicate(RETRYABLE, code) != 0, no || may, "{code}");
        assert_eq!(fdb_error_predicate(1, code), 0, "no such predicate");
    }
}

#[test]
fn codes_have_texts() {
    let text = |code| {
        // SAFETY: the library answers a string that lives for ever.
        unsafe { CStr::from_ptr(fdb_get_error(code)) }.to_str().unwrap()
    };
    assert_eq!(text(0), "Success");
    assert_eq!(text(1020), "Transaction not committed due to conflict with another transaction");
    assert_eq!(text(1021), "Transaction may or may not have committed");
    assert_eq!(text(12_345), "UNKNOWN_ERROR");
    assert_eq!(fdb_get_max_api_version(), 730);
}
