//! Options: which there are, what values they take (`fdb_c_options.g.h`).

use std::time::Instant;

use crate::api::Database;

#[test]
fn unknown_options_and_odd_values_are_refused() {
    let database = Database::fresh();
    let tx = database.begin();
    assert_eq!(tx.set_option(9999, b""), 2007);
    assert_eq!(tx.set_option(-1, b""), 2007);
    assert_eq!(tx.set_option(500, b"short"), 2006);
    assert_eq!(tx.set_option(500, &(-1i64).to_le_bytes()), 2006);
    assert_eq!(tx.set_option(503, &31i64.to_le_bytes()), 2006);
    assert_eq!(tx.set_option(503, &10_000_001i64.to_le_bytes()), 2006);
    assert_eq!(tx.set_option(1100, b""), 2108, "what would change something and is not built");
    for priority in [200, 201, 509, 510, 511] {
        assert_eq!(tx.set_option(priority, b""), 0);
    }
    assert_eq!(database.set_option(9999, 0), 2007);
    assert_eq!(database.set_option(506, 0), 2108);
}

#[test]
fn tags_are_few_and_short() {
    let database = Database::fresh();
    let tx = database.begin();
    assert_eq!(tx.set_option(801, b"seventeen letters"), 2110);
    for tag in [&b"1"[..], b"2", b"3", b"4", b"5", b"5"] {
        assert_eq!(tx.set_option(801, tag), 0);
    }
    assert_eq!(tx.set_option(800, b"6"), 2109);
}

#[test]
fn a_timeout_ends_the_transaction() {
    let database = Database::fresh();
    database.set_faults("partition_ms=0-");
    let began = Instant::now();
    let tx = database.begin();
    assert_eq!(tx.set_option(500, &50i64.to_le_bytes()), 0);
    assert_eq!(tx.get(b"k").done(), Err(1031), "transaction_timed_out");
    assert!(began.elapsed().as_millis() >= 50);
    assert_eq!(tx.commit().done(), Err(1031));
    assert_eq!(tx.on_error(1020).done(), Err(1031));
    tx.reset();
    database.set_faults("");
    assert_eq!(tx.get(b"k").done(), Ok(()));
}

#[test]
fn databases_hand_their_options_on() {
    let database = Database::fresh();
    assert_eq!(database.set_option(503, 100), 0);
    let tx = database.begin();
    tx.set(b"k", &[0; 200]);
    assert_eq!(tx.commit().done(), Err(2101));
    tx.reset();
    tx.set(b"k", &[0; 200]);
    assert_eq!(tx.commit().done(), Err(2101), "a reset goes back to those of the database");
}
