//! A transaction reads its own writes (<https://apple.github.io/foundationdb/developer-guide.html#transaction-basics>).

use crate::api::{ADD, BYTE_MIN, COMPARE_AND_CLEAR, Database, MAX, MIN, Range, STAMPED_KEY, STAMPED_VALUE, range};

#[test]
fn sets_clears_and_atomics_are_read_back() {
    let database = Database::fresh();
    database.put_letters("bdfh");
    database.put(b"n", &[5]);
    let tx = database.begin();
    tx.set(b"c", b"new");
    tx.clear(b"d");
    tx.clear_range(b"f", b"k");
    tx.set(b"g", b"new");
    tx.atomic(ADD, b"n", &[2]);
    tx.atomic(ADD, b"n", &[10]);
    assert_eq!(tx.letters(range(b"", b"\xff")), "bcgn");
    assert_eq!(tx.letters(Range { reverse: true, ..range(b"", b"\xff") }), "ngcb");
    assert_eq!(tx.get(b"n").value().unwrap(), Some(vec![17]));
    assert_eq!(tx.get(b"h").value().unwrap(), None);
    assert_eq!(tx.get_key((b"c", true, 1)).key().unwrap(), b"g");
    assert_eq!(tx.get_key((b"g", false, 0)).key().unwrap(), b"c");
    assert_eq!(tx.read(b"g", true).value().unwrap().as_deref(), Some(&b"new"[..]), "in snapshot reads as well");
    assert_eq!(database.begin().letters(range(b"", b"\xff")), "bdfhn", "nobody else sees them");
    tx.commit().done().unwrap();
    assert_eq!(database.begin().letters(range(b"", b"\xff")), "bcgn");
    assert_eq!(database.value(b"n"), Some(vec![17]));
}

#[test]
fn reads_see_the_writes_before_them_only() {
    let database = Database::fresh();
    database.set_faults("latency_ms=20,seed=2");
    let tx = database.begin();
    let before = tx.get(b"k");
    tx.set(b"k", b"1");
    let after = tx.get(b"k");
    assert_eq!(before.value().unwrap(), None);
    assert_eq!(after.value().unwrap().as_deref(), Some(&b"1"[..]));
}

#[test]
fn own_writes_can_be_left_out() {
    let database = Database::fresh();
    database.put_letters("a");
    let tx = database.begin();
    assert_eq!(tx.set_option(601, b""), 0);
    tx.set(b"b", b"");
    assert_eq!(tx.letters(Range { snapshot: true, ..range(b"", b"\xff") }), "a");
    assert_eq!(tx.letters(range(b"", b"\xff")), "ab");
    let tx = database.begin();
    assert_eq!(tx.set_option(51, b""), 0);
    tx.set(b"b", b"");
    assert_eq!(tx.letters(range(b"", b"\xff")), "a");
    assert_eq!(tx.watch(b"a").done(), Err(1034));
    let tx = database.begin();
    tx.set(b"b", b"");
    assert_eq!(tx.set_option(51, b""), 2000, "too late");
}

#[test]
fn what_waits_for_a_stamp_is_unreadable_until_it_is_cleared() {
    let database = Database::fresh();
    let tx = database.begin();
    tx.atomic(STAMPED_VALUE, b"v", &[0; 14]);
    tx.atomic(STAMPED_KEY, b"k/\0\0\0\0\0\0\0\0\0\0\x02\0\0\0", b"");
    assert_eq!(tx.get(b"v").done(), Err(1036), "accessed_unreadable");
    assert_eq!(tx.get_range(range(b"a", b"z")).done(), Err(1036));
    assert_eq!(tx.get_key((b"j", false, 1)).done(), Err(1036));
    assert_eq!(tx.get(b"other").value(), Ok(None));
    tx.set(b"v", b"plain");
    assert_eq!(tx.get(b"v").done(), Err(1036));
    tx.clear(b"v");
    assert_eq!(tx.get(b"v").value(), Ok(None));
    assert_eq!(
        tx.commit().done(),
        Err(1036),
        "a commit after a read that failed fails with it, as a server of 7.3.79 has it"
    );

    let tx = database.begin();
    tx.atomic(STAMPED_VALUE, b"v", &[0; 14]);
    tx.atomic(STAMPED_KEY, b"k/\0\0\0\0\0\0\0\0\0\0\x02\0\0\0", b"");
    tx.clear(b"v");
    tx.set(b"v", b"plain");
    assert_eq!(tx.get(b"v").value().unwrap().as_deref(), Some(&b"plain"[..]));
    tx.clear_range(b"k", b"l");
    assert_eq!(tx.letters(range(b"a", b"z")), "v");
    tx.commit().done().unwrap();
    assert_eq!(database.begin().letters(range(b"", b"\xff")), "v");
}

#[test]
fn keys_before_the_read_version_are_readable_beside_a_stamped_one() {
    let database = Database::fresh();
    let append = |tx: &crate::api::Transaction| tx.atomic(STAMPED_KEY, b"k/\0\0\0\0\0\0\0\0\0\0\x02\0\0\0", b"");
    let first = database.begin();
    append(&first);
    first.commit().done().unwrap();
    let tx = database.begin();
    tx.read_version().done().unwrap();
    append(&tx);
    let one = Range { limit: 1, ..range(b"k/", b"k0") };
    assert_eq!(tx.get_range(one).items().unwrap().0.len(), 1, "the stamp to come is behind every read version");
    assert_eq!(tx.get_range(range(b"k/", b"k0")).done(), Err(1036));
}

/// Operation, value before, parameter, value after.
type Row = (i32, Option<&'static [u8]>, &'static [u8], Option<&'static [u8]>);

#[test]
fn atomic_operations_do_what_is_documented() {
    const AND: i32 = 6;
    const OR: i32 = 7;
    const XOR: i32 = 8;
    const APPEND: i32 = 9;
    const BYTE_MAX: i32 = 17;
    let table: &[Row] = &[
        (ADD, None, b"\x05\x00", Some(b"\x05\x00")),
        (ADD, Some(b"\xff"), b"\x01\x00", Some(b"\x00\x01")),
        (ADD, Some(b"\x01\x02\x03"), b"\x01\x01", Some(b"\x02\x03")),
        (ADD, Some(b"\xff\xff"), b"\x01\x00", Some(b"\x00\x00")),
        (ADD, Some(b"\x07"), b"", Some(b"")),
        (MIN, None, b"\x05", Some(b"\x05")),
        (MIN, Some(b"\x03\x01"), b"\x04\x01", Some(b"\x03\x01")),
        (MIN, Some(b"\x03"), b"\x04\x01", Some(b"\x03\x00")),
        (MIN, Some(b""), b"\x04", Some(b"\x00")),
        (MAX, Some(b"\x03\x02"), b"\x04\x01", Some(b"\x03\x02")),
        (MAX, Some(b"\x03\x01\x09"), b"\x04\x01", Some(b"\x04\x01")),
        (MAX, Some(b"\x05"), b"\x04\x00", Some(b"\x05\x00")),
        (BYTE_MIN, None, b"b", Some(b"b")),
        (BYTE_MIN, Some(b"b"), b"ab", Some(b"ab")),
        (BYTE_MAX, Some(b"b"), b"ab", Some(b"b")),
        (BYTE_MAX, Some(b"a"), b"ab", Some(b"ab")),
        (AND, None, b"\x0f", Some(b"\x0f")),
        (AND, Some(b"\x0f"), b"\x3c\xff", Some(b"\x0c\x00")),
        (OR, Some(b"\x0f"), b"\x30\x01", Some(b"\x3f\x01")),
        (XOR, Some(b"\x0f\xff"), b"\x3c", Some(b"\x33")),
        (APPEND, None, b"a", Some(b"a")),
        (APPEND, Some(b"a"), b"b", Some(b"ab")),
        (COMPARE_AND_CLEAR, None, b"a", None),
        (COMPARE_AND_CLEAR, Some(b"a"), b"a", None),
        (COMPARE_AND_CLEAR, Some(b"a"), b"b", Some(b"a")),
    ];
    let database = Database::fresh();
    for (op, before, param, after) in table {
        let tx = database.begin();
        tx.clear(b"k");
        if let Some(before) = before {
            tx.set(b"k", before);
        }
        tx.commit().done().unwrap();
        let tx = database.begin();
        tx.atomic(*op, b"k", param);
        assert_eq!(tx.get(b"k").value().unwrap().as_deref(), *after, "read back {op} {before:?} {param:?}");
        tx.commit().done().unwrap();
        assert_eq!(database.value(b"k").as_deref(), *after, "stored {op} {before:?} {param:?}");
    }
    let tx = database.begin();
    tx.atomic(99, b"k", b"");
    assert_eq!(tx.commit().done(), Err(2018), "invalid_mutation_type");
}
