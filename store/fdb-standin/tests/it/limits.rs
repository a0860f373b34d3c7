//! Limits and their codes (<https://apple.github.io/foundationdb/known-limitations.html>).

use crate::api::{ADD, APPEND_IF_FITS, Code, Database, STAMPED_KEY, STAMPED_VALUE, Transaction};

const KEY: usize = 10_000;
const VALUE: usize = 100_000;

fn commit(change: impl Fn(&Transaction)) -> Result<(), Code> {
    let database = Database::fresh();
    let tx = database.begin();
    change(&tx);
    tx.commit().done()
}

#[test]
fn keys_and_values_are_limited() {
    let (key, long_key) = (vec![b'k'; KEY], vec![b'k'; KEY + 1]);
    let (value, long_value) = (vec![7; VALUE], vec![7; VALUE + 1]);
    assert_eq!(commit(|tx| tx.set(&key, &value)), Ok(()));
    assert_eq!(commit(|tx| tx.set(&long_key, b"")), Err(2102));
    assert_eq!(commit(|tx| tx.set(b"k", &long_value)), Err(2103));
    assert_eq!(commit(|tx| tx.atomic(ADD, &long_key, b"")), Err(2102));
    assert_eq!(commit(|tx| tx.atomic(ADD, b"k", &long_value)), Err(2103));
    assert_eq!(commit(|tx| tx.clear(&long_key)), Ok(()), "there is no such key");
    assert_eq!(commit(|tx| assert_eq!(tx.get(&long_key).value(), Ok(None))), Ok(()));
    assert_eq!(commit(|tx| tx.set(b"\xff", b"")), Err(2004));
    assert_eq!(commit(|tx| tx.clear_range(b"a", b"\xff\xff")), Err(2004));
    assert_eq!(commit(|tx| tx.clear_range(b"b", b"a")), Err(2005));
    assert_eq!(commit(|tx| tx.clear_range(b"a", b"\xff")), Ok(()));
}

#[test]
fn the_position_of_a_stamp_counts() {
    let template = |length: usize| [&vec![b'k'; length - 4][..], &[0; 4]].concat();
    assert_eq!(commit(|tx| tx.atomic(STAMPED_KEY, &template(KEY), b"")), Ok(()));
    assert_eq!(commit(|tx| tx.atomic(STAMPED_KEY, &template(KEY + 1), b"")), Err(2102));
    assert_eq!(commit(|tx| tx.atomic(STAMPED_VALUE, b"k", &template(VALUE))), Ok(()));
    assert_eq!(commit(|tx| tx.atomic(STAMPED_VALUE, b"k", &template(VALUE + 1))), Err(2103));
    for odd in [&b""[..], b"abc", &[0; 13], b"0123456789\x01\0\0\0", b"0123456789\xff\xff\xff\xff"] {
        assert_eq!(commit(|tx| tx.atomic(STAMPED_KEY, odd, b"")), Err(2000), "{odd:?}");
        assert_eq!(commit(|tx| tx.atomic(STAMPED_VALUE, b"k", odd)), Err(2000), "{odd:?}");
    }
}

#[test]
fn transactions_are_limited() {
    let fill = |tx: &Transaction, count: u32| {
        (0..count).for_each(|number| tx.set(&number.to_be_bytes(), &vec![7; VALUE]));
    };
    assert_eq!(commit(|tx| fill(tx, 99)), Ok(()));
    assert_eq!(commit(|tx| fill(tx, 101)), Err(2101), "transaction_too_large");
    let limited = |tx: &Transaction| {
        assert_eq!(tx.set_option(503, &1000i64.to_le_bytes()), 0);
        fill(tx, 1);
    };
    assert_eq!(commit(limited), Err(2101));
    let reads = |tx: &Transaction| {
        for number in 0..600u32 {
            tx.get(&[&number.to_be_bytes()[..], &vec![0; KEY - 4]].concat()).done().unwrap();
        }
        tx.set(b"k", b"");
    };
    assert_eq!(commit(reads), Err(2101), "conflict ranges count");
    let database = Database::fresh();
    let tx = database.begin();
    assert_eq!(tx.approximate_size(), 0);
    tx.set(b"key", b"value");
    let one = tx.approximate_size();
    assert!((15..200).contains(&one), "{one}");
    tx.get(b"other").done().unwrap();
    assert!(tx.approximate_size() > one);
}

#[test]
fn the_first_error_of_a_call_without_answer_is_kept() {
    let database = Database::fresh();
    let tx = database.begin();
    tx.set(b"fine", b"");
    tx.set(b"\xff", b"");
    tx.set(&[b'k'; KEY + 1], b"");
    assert_eq!(tx.get(b"fine").done(), Err(2004));
    assert_eq!(tx.read_version().done(), Err(2004));
    assert_eq!(tx.commit().done(), Err(2004));
    assert_eq!(database.value(b"fine"), None);
    tx.reset();
    assert_eq!(tx.get(b"fine").done(), Ok(()));
}

#[test]
fn appending_stops_at_the_limit_of_a_value() {
    let database = Database::fresh();
    database.put(b"k", &vec![7; VALUE - 1]);
    for _ in 0..2 {
        let tx = database.begin();
        tx.atomic(APPEND_IF_FITS, b"k", b"x");
        tx.commit().done().unwrap();
    }
    assert_eq!(database.value(b"k").unwrap().len(), VALUE);
}
