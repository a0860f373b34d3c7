//! Reads: versions, selectors, ranges and their limits
//! (<https://apple.github.io/foundationdb/developer-guide.html#key-selectors>).

use crate::api::{Database, Range, at_or_after, range};

#[test]
fn reads_are_of_the_transactions_version() {
    let database = Database::fresh();
    database.put_letters("ab");
    let tx = database.begin();
    let version = tx.read_version().int64().unwrap();
    database.put(b"b", b"new");
    database.put(b"c", b"new");
    let clear = database.begin();
    clear.clear(b"a");
    clear.commit().done().unwrap();
    assert_eq!(tx.get(b"a").value().unwrap().as_deref(), Some(&b"a"[..]));
    assert_eq!(tx.get(b"b").value().unwrap().as_deref(), Some(&b"b"[..]));
    assert_eq!(tx.letters(range(b"", b"\xff")), "ab");
    assert_eq!(tx.read_version().int64().unwrap(), version);
    let back = database.begin();
    back.set_read_version(version);
    assert_eq!(back.letters(range(b"", b"\xff")), "ab", "another transaction can read at the same version");
    assert_eq!(database.begin().letters(range(b"", b"\xff")), "bc");
}

#[test]
fn read_versions_are_set_once() {
    let database = Database::fresh();
    let tx = database.begin();
    tx.set_read_version(0);
    assert_eq!(tx.get(b"k").done(), Err(2011));
    let tx = database.begin();
    let version = tx.read_version().int64().unwrap();
    tx.set_read_version(version);
    assert_eq!(tx.get(b"k").done(), Err(2010));
    let tx = database.begin();
    tx.set_read_version(version + 60_000_000);
    assert_eq!(tx.get(b"k").done(), Err(1009), "future_version");
}

#[test]
fn a_commit_that_was_answered_is_seen() {
    let database = Database::fresh();
    let mut last = 0;
    for round in 0..50u8 {
        let tx = database.begin();
        tx.set(b"k", &[round]);
        tx.commit().done().unwrap();
        assert!(tx.committed_version() > last);
        last = tx.committed_version();
        let reader = database.begin();
        assert!(reader.read_version().int64().unwrap() >= last);
        assert_eq!(reader.get(b"k").value().unwrap(), Some(vec![round]));
    }
}

#[test]
fn selectors_name_keys() {
    let database = Database::fresh();
    database.put_letters("bdfh");
    let tx = database.begin();
    let table: &[(&[u8], bool, i32, &[u8])] = &[
        (b"d", false, 1, b"d"),
        (b"e", false, 1, b"f"),
        (b"d", true, 1, b"f"),
        (b"d", false, 0, b"b"),
        (b"d", true, 0, b"d"),
        (b"e", true, 0, b"d"),
        (b"b", false, 3, b"f"),
        (b"h", true, -2, b"d"),
        (b"h", true, 1, b"\xff"),
        (b"b", false, 0, b""),
        (b"b", false, 100, b"\xff"),
        (b"h", false, -100, b""),
        (b"\xff", false, 0, b"h"),
        (b"", false, 1, b"b"),
    ];
    for (key, or_equal, offset, expected) in table {
        assert_eq!(tx.get_key((key, *or_equal, *offset)).key().unwrap(), *expected, "{key:?} {or_equal} {offset}");
    }
}

#[test]
fn ranges_end_at_their_limits() {
    let database = Database::fresh();
    database.put_letters("abcdefgh");
    let tx = database.begin();
    let all = range(b"", b"\xff");
    let items = |range| tx.get_range(range).items().unwrap();
    assert_eq!(items(all).0.len(), 8);
    assert!(!items(all).1);
    assert_eq!((items(Range { limit: 3, ..all }).0.len(), items(Range { limit: 3, ..all }).1), (3, true));
    assert!(items(Range { limit: 8, ..all }).1, "a limit that is reached says more");
    assert!(!items(Range { limit: 9, ..all }).1);
    assert_eq!(tx.letters(Range { limit: 3, reverse: true, ..all }), "hgf");
    assert_eq!(tx.letters(Range { target_bytes: 5, ..all }), "abc", "the item that reaches the bytes is the last");
    assert_eq!(tx.letters(Range { target_bytes: 1, ..all }), "a", "at least one");
    assert_eq!(tx.letters(range(b"c", b"c")), "");
    assert_eq!(tx.letters(range(b"d", b"b")), "", "an inverted range is empty");
    let between = Range { begin: (b"c", true, 1), end: (b"f", true, 0), ..all };
    assert_eq!(tx.letters(between), "de");
    let behind = Range { begin: (b"c", false, 3), end: (b"c", false, 100), ..all };
    assert_eq!(tx.letters(behind), "efgh");
}

#[test]
fn streaming_modes_have_their_sizes() {
    let database = Database::fresh();
    for half in 0..2u8 {
        let tx = database.begin();
        (0..100u8).for_each(|number| tx.set(&[half, number], &[0; 998]));
        tx.commit().done().unwrap();
    }
    let tx = database.begin();
    let all = range(b"", b"\xff");
    let count = |mode, iteration| tx.get_range(Range { mode, iteration, ..all }).items().map(|(items, _)| items.len());
    assert_eq!(count(1, 1), Ok(1), "small");
    assert_eq!(count(2, 1), Ok(1), "medium");
    assert_eq!(count(3, 1), Ok(5), "large");
    assert_eq!(count(4, 1), Ok(120), "serial");
    assert_eq!(count(-2, 1), Ok(120), "want all");
    assert_eq!((count(-1, 1), count(-1, 2), count(-1, 99)), (Ok(5), Ok(7), Ok(120)), "iterator");
    assert_eq!(count(-1, 0), Err(2000));
    assert_eq!(count(9, 1), Err(2000));
    assert_eq!(count(0, 1), Err(2210), "exact needs a limit");
    let exact = Range { mode: 0, limit: 150, ..all };
    assert_eq!(tx.get_range(exact).items().unwrap().0.len(), 150);
}

#[test]
fn keys_of_the_system_are_out_of_reach() {
    let database = Database::fresh();
    let tx = database.begin();
    assert_eq!(tx.get(b"\xff").done(), Err(2004));
    assert_eq!(tx.get(b"\xff/conf").done(), Err(2004));
    assert_eq!(tx.get_key(at_or_after(b"\xff\0")).done(), Err(2004));
    assert_eq!(tx.get_range(range(b"a", b"\xff\xff")).done(), Err(2004));
    assert_eq!(tx.get_range(range(b"a", b"\xff")).done(), Ok(()));
    assert_eq!(tx.set_option(302, b""), 0);
    assert_eq!(tx.get(b"\xff/conf").value(), Ok(None));
    tx.set(b"\xff/conf", b"");
    assert_eq!(tx.commit().done(), Err(2004), "reading them is not writing them");
}

#[test]
fn a_database_is_its_name() {
    let one = Database::connect("same_one:standin1@127.0.0.1:4500");
    let two = Database::connect("same_one:standin1@10.0.0.1:4501,10.0.0.2:4501:tls\n# a comment");
    let other = Database::connect("same_one:standin2@127.0.0.1:4500");
    one.put(b"k", b"v");
    assert!(two.value(b"k").is_some());
    assert_eq!(other.value(b"k"), None);
    for odd in ["", "a", "a:b", "a:b@", "a:b@host", "a:b_c@h:1", "a:b@h:99999"] {
        assert_eq!(Database::connect(odd).begin().get(b"k").done(), Err(2104), "{odd:?}");
    }
    assert_eq!(
        Database::connect("a:b@h:1").begin().get(b"k").done(),
        Err(2108),
        "a cluster that is not meant for tests"
    );
    let missing = Database::file(std::path::Path::new("/nowhere/fdb.cluster"));
    assert_eq!(missing.begin().read_version().done(), Err(1515));
    assert_eq!(missing.begin().commit().done(), Err(1515));
}
