//! Watches (<https://apple.github.io/foundationdb/developer-guide.html#watches>).

use std::time::{Duration, Instant};

use crate::api::{ADD, Database, Future};

fn armed(database: &Database, key: &[u8]) -> Future {
    let tx = database.begin();
    let watch = tx.watch(key);
    tx.commit().done().unwrap();
    watch
}

/// Whether it is still waiting after the network thread has done everything that is due.
fn waits(database: &Database, watch: &Future) -> bool {
    database.put(b"aside", b"");
    database.begin().get(b"aside").done().unwrap();
    !watch.is_ready()
}

#[test]
fn a_watch_fires_when_the_value_changes() {
    let database = Database::fresh();
    let missing = armed(&database, b"k");
    assert!(waits(&database, &missing));
    database.put(b"k", b"1");
    missing.done().unwrap();
    let same = armed(&database, b"k");
    database.put(b"k", b"1");
    assert!(waits(&database, &same), "set to the value that it had");
    let tx = database.begin();
    tx.clear_range(b"a", b"z");
    tx.commit().done().unwrap();
    same.done().unwrap();
    let atomic = armed(&database, b"k");
    let tx = database.begin();
    tx.atomic(ADD, b"k", &[1]);
    tx.commit().done().unwrap();
    atomic.done().unwrap();
}

#[test]
fn a_watch_compares_with_what_its_transaction_saw() {
    let database = Database::fresh();
    let tx = database.begin();
    tx.read_version().done().unwrap();
    let behind = tx.watch(b"k");
    database.put(b"k", b"1");
    tx.commit().done().unwrap();
    behind.done().unwrap();
    let tx = database.begin();
    tx.set(b"k", b"2");
    let own = tx.watch(b"k");
    tx.commit().done().unwrap();
    assert!(waits(&database, &own), "the value that it wrote itself");
    database.put(b"k", b"3");
    own.done().unwrap();
}

#[test]
fn a_watch_begins_with_the_commit() {
    let database = Database::fresh();
    let tx = database.begin();
    let dropped = tx.watch(b"k");
    drop(tx);
    assert_eq!(dropped.done(), Err(1025));
    let tx = database.begin();
    tx.get(b"k").done().unwrap();
    tx.set(b"x", b"");
    let refused = tx.watch(b"y");
    database.put(b"k", b"1");
    assert_eq!(tx.commit().done(), Err(1020));
    assert_eq!(refused.done(), Err(1020));
    let outlives = armed(&database, b"k");
    assert!(waits(&database, &outlives), "its transaction is gone");
}

#[test]
fn watching_is_a_read() {
    let database = Database::fresh();
    let tx = database.begin();
    tx.read_version().done().unwrap();
    let watch = tx.watch(b"k");
    tx.set(b"x", b"");
    database.put(b"k", b"1");
    assert_eq!(tx.commit().done(), Err(1020));
    assert_eq!(watch.done(), Err(1020));
}

#[test]
fn watches_are_limited_and_make_room() {
    let database = Database::fresh();
    assert_eq!(database.set_option(20, 3), 0);
    let tx = database.begin();
    let held: Vec<_> = (0..3).map(|_| tx.watch(b"k")).collect();
    assert_eq!(tx.watch(b"k").done(), Err(1032), "too_many_watches");
    tx.commit().done().unwrap();
    assert_eq!(database.begin().watch(b"k").done(), Err(1032));
    drop(held);
    let deadline = Instant::now() + Duration::from_secs(10);
    while database.begin().watch(b"k").is_ready() {
        assert!(Instant::now() < deadline, "dropped watches make room");
        std::thread::yield_now();
    }
    let fired = armed(&database, b"k");
    database.put(b"k", b"1");
    fired.done().unwrap();
    assert_eq!(database.set_option(20, 2_000_000), 2006);
}

#[test]
fn a_cancelled_watch_is_no_more() {
    let database = Database::fresh();
    let watch = armed(&database, b"k");
    watch.cancel();
    assert_eq!(watch.done(), Err(1101));
    assert_eq!(database.begin().watch(b"\xff").done(), Err(2004));
    assert_eq!(database.begin().watch(&[b'k'; 10_001]).done(), Err(2102));
}
