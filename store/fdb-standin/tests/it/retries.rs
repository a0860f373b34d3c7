//! `on_error`, resets, and use during a commit
//! (<https://apple.github.io/foundationdb/api-c.html#c.fdb_transaction_on_error>).

use crate::api::{Database, range};

#[test]
fn retryable_errors_begin_again() {
    let database = Database::fresh();
    for code in [1007, 1009, 1020, 1021, 1037, 1039, 1213] {
        let tx = database.begin();
        tx.set(b"lost", b"");
        tx.get(b"lost").done().unwrap();
        let version = tx.read_version().int64().unwrap();
        tx.on_error(code).done().unwrap();
        assert_eq!(tx.letters(range(b"", b"\xff")), "", "{code}");
        assert!(tx.read_version().int64().unwrap() > version, "{code}");
        assert_eq!(tx.commit().done(), Ok(()));
        assert_eq!(tx.committed_version(), -1, "nothing is left to write");
    }
}

#[test]
fn other_errors_are_answered() {
    let database = Database::fresh();
    for code in [1025, 1031, 1036, 2004, 2017, 2101, 2103] {
        let tx = database.begin();
        assert_eq!(tx.on_error(code).done(), Err(code));
        assert_eq!(tx.get(b"k").done(), Err(1025), "and end the transaction");
    }
    assert_eq!(database.begin().on_error(0).done(), Err(2000));
}

#[test]
fn retries_are_limited_by_option() {
    let database = Database::fresh();
    let tx = database.begin();
    assert_eq!(tx.set_option(501, &2i64.to_le_bytes()), 0);
    assert_eq!(tx.set_option(502, &0i64.to_le_bytes()), 0);
    tx.on_error(1020).done().unwrap();
    tx.on_error(1020).done().unwrap();
    assert_eq!(tx.on_error(1020).done(), Err(1020));
}

#[test]
fn use_after_a_commit_is_refused() {
    let database = Database::fresh();
    let tx = database.begin();
    tx.set(b"k", b"1");
    tx.commit().done().unwrap();
    assert_eq!(tx.get(b"k").done(), Err(2017), "used_during_commit");
    assert_eq!(tx.commit().done(), Err(2017));
    tx.reset();
    assert_eq!(tx.get(b"k").value().unwrap().as_deref(), Some(&b"1"[..]));
    let tx = database.begin();
    database.set_faults("latency_ms=200,seed=8");
    tx.set(b"k", b"2");
    let commit = tx.commit();
    assert_eq!(tx.get(b"k").done(), Err(2017));
    assert_eq!(commit.done(), Err(2017), "and the commit's result is lost");
}

#[test]
fn a_failed_commit_can_be_tried_again() {
    let database = Database::fresh();
    let tx = database.begin();
    tx.get(b"k").done().unwrap();
    tx.set(b"k", b"mine");
    database.put(b"k", b"other");
    let error = tx.commit().done().unwrap_err();
    tx.on_error(error).done().unwrap();
    tx.get(b"k").done().unwrap();
    tx.set(b"k", b"mine");
    tx.commit().done().unwrap();
    assert_eq!(database.value(b"k").as_deref(), Some(&b"mine"[..]));
}
