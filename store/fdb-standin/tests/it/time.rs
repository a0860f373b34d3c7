//! The five seconds that versions stay readable
//! (<https://apple.github.io/foundationdb/known-limitations.html#long-running-read-write-transactions>).

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crate::api::Database;

/// Waits for real: versions follow the machine's clock.
fn pass(time: Duration) {
    let never = (Mutex::new(()), Condvar::new());
    let waited = never.1.wait_timeout_while(never.0.lock().unwrap(), time, |()| true);
    assert!(waited.unwrap().1.timed_out());
}

#[test]
fn versions_are_readable_for_five_seconds() {
    let database = Database::fresh();
    database.put(b"a", b"old");
    let (reader, writer, blind) = (database.begin(), database.begin(), database.begin());
    for tx in [&reader, &writer, &blind] {
        tx.read_version().done().unwrap();
    }
    writer.get(b"a").done().unwrap();
    writer.set(b"b", b"");
    blind.set(b"c", b"");
    for _ in 0..4 {
        pass(Duration::from_millis(1000));
        database.put(b"a", b"new");
    }
    assert_eq!(reader.get(b"a").value().unwrap().as_deref(), Some(&b"old"[..]), "after four seconds");
    pass(Duration::from_millis(1200));
    assert_eq!(reader.get(b"a").done(), Err(1007), "transaction_too_old");
    assert_eq!(writer.commit().done(), Err(1007));
    assert_eq!(blind.commit().done(), Ok(()), "what reads nothing conflicts with nothing");
    assert_eq!(database.value(b"b"), None);
}

#[test]
fn what_nobody_can_read_is_forgotten_and_the_rest_is_not() {
    let database = Database::fresh();
    database.put(b"kept", b"1");
    database.put(b"gone", b"1");
    let tx = database.begin();
    tx.clear(b"gone");
    tx.commit().done().unwrap();
    pass(Duration::from_millis(5_100));
    for round in 0..1100u32 {
        database.put(b"busy", &round.to_be_bytes());
    }
    assert_eq!(database.value(b"kept").as_deref(), Some(&b"1"[..]));
    assert_eq!(database.value(b"gone"), None);
    assert_eq!(database.value(b"busy").as_deref(), Some(&1099u32.to_be_bytes()[..]));
}
