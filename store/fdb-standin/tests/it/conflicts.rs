//! Which transactions conflict (<https://apple.github.io/foundationdb/developer-guide.html#conflict-ranges>).

use crate::api::{ADD, Code, Database, Range, Selector, Transaction, range};

/// A transaction reads, another writes `written`, the first commits a write of its own.
fn after(letters: &str, written: &[u8], read: impl Fn(&Transaction)) -> Result<(), Code> {
    let database = Database::fresh();
    database.put_letters(letters);
    let tx = database.begin();
    tx.read_version().done().unwrap();
    read(&tx);
    tx.set(b"z", b"");
    database.put(written, b"new");
    tx.commit().done()
}

const CONFLICT: Result<(), Code> = Err(1020);

#[test]
fn reads_conflict_with_later_writes_of_the_key() {
    let read = |tx: &Transaction| tx.get(b"b").done().unwrap();
    assert_eq!(after("abc", b"b", read), CONFLICT);
    assert_eq!(after("ac", b"b", read), CONFLICT, "of a missing key too");
    assert_eq!(after("abc", b"bb", read), Ok(()));
    let snapshot = |tx: &Transaction| tx.read(b"b", true).done().unwrap();
    assert_eq!(after("abc", b"b", snapshot), Ok(()));
}

#[test]
fn range_reads_conflict_as_far_as_they_read() {
    let read = |range: Range<'static>| move |tx: &Transaction| tx.get_range(range).done().unwrap();
    let all = range(b"a", b"y");
    for (written, expected) in [(b"b", CONFLICT), (b"x", CONFLICT), (b"a", CONFLICT), (b"y", Ok(()))] {
        assert_eq!(after("bcdefgh", written, read(all)), expected, "{written:?}");
    }
    let three = Range { limit: 3, ..all };
    for (written, expected) in
        [(&b"a"[..], CONFLICT), (b"cc", CONFLICT), (b"d", CONFLICT), (b"dd", Ok(())), (b"h", Ok(()))]
    {
        assert_eq!(after("bcdefgh", written, read(three)), expected, "{written:?}");
    }
    let last = Range { limit: 3, reverse: true, ..all };
    for (written, expected) in
        [(&b"x"[..], CONFLICT), (b"ff", CONFLICT), (b"f", CONFLICT), (b"ee", Ok(())), (b"b", Ok(()))]
    {
        assert_eq!(after("bcdefgh", written, read(last)), expected, "{written:?}");
    }
    let snapshot = Range { snapshot: true, ..all };
    assert_eq!(after("bcdefgh", b"d", read(snapshot)), Ok(()));
}

#[test]
fn selectors_conflict_between_their_key_and_the_found_one() {
    let table: &[(Selector<'_>, &[u8], Result<(), Code>)] = &[
        ((b"c", false, 1), b"cc", CONFLICT),
        ((b"c", false, 1), b"d", CONFLICT),
        ((b"c", false, 1), b"dd", Ok(())),
        ((b"c", false, 1), b"b", Ok(())),
        ((b"e", false, 0), b"dd", CONFLICT),
        ((b"e", false, 0), b"d", CONFLICT),
        ((b"e", false, 0), b"e", Ok(())),
        ((b"e", true, 0), b"e", CONFLICT),
        ((b"e", false, 0), b"cc", Ok(())),
        ((b"h", true, 1), b"x", CONFLICT),
        ((b"b", false, 0), b"a", CONFLICT),
        ((b"b", false, 3), b"g", Ok(())),
        ((b"b", false, 3), b"cc", CONFLICT),
    ];
    for (selector, written, expected) in table {
        let read = |tx: &Transaction| tx.get_key(*selector).done().unwrap();
        assert_eq!(after("bdfh", written, read), *expected, "{selector:?} {written:?}");
    }
}

#[test]
fn ranges_between_selectors_conflict_from_their_keys() {
    let read =
        |begin, end| move |tx: &Transaction| tx.get_range(Range { begin, end, ..range(b"", b"") }).done().unwrap();
    // From the last key at or before `e` (`d`) to `g`: what lies between `d` and `e` decides where it begins.
    let from_last = read((b"e", true, 0), (b"g", false, 1));
    assert_eq!(after("bdfh", b"dd", from_last), CONFLICT);
    assert_eq!(after("bdfh", b"d", from_last), CONFLICT);
    assert_eq!(after("bdfh", b"c", from_last), Ok(()));
    // To the second key behind `c`: what follows the last item does not matter.
    let to_second = read((b"c", false, 1), (b"c", false, 2));
    assert_eq!(after("bdfh", b"d", to_second), CONFLICT);
    assert_eq!(after("bdfh", b"e", to_second), Ok(()));
}

#[test]
fn own_writes_are_no_reads() {
    let own = |tx: &Transaction| {
        tx.set(b"b", b"own");
        tx.clear_range(b"d", b"g");
        tx.get(b"b").done().unwrap();
        tx.get_range(range(b"d", b"g")).done().unwrap();
    };
    assert_eq!(after("abcdefg", b"b", own), Ok(()));
    assert_eq!(after("abcdefg", b"e", own), Ok(()));
    let around = |tx: &Transaction| {
        own(tx);
        tx.get_range(range(b"a", b"h")).done().unwrap();
    };
    assert_eq!(after("abcdefg", b"e", around), Ok(()), "the cleared part of a range is not read");
    assert_eq!(after("abcdefg", b"c", around), CONFLICT);
    let dependent = |tx: &Transaction| {
        tx.atomic(ADD, b"b", &[1]);
        tx.get(b"b").done().unwrap();
    };
    assert_eq!(after("abcdefg", b"b", dependent), CONFLICT, "an operation on what is stored depends on it");
}

#[test]
fn conflict_ranges_can_be_added() {
    let added = |tx: &Transaction| assert_eq!(tx.add_conflict(b"b", b"d", false), 0);
    assert_eq!(after("", b"c", added), CONFLICT);
    assert_eq!(after("", b"d", added), Ok(()));
    let database = Database::fresh();
    let tx = database.begin();
    tx.get(b"k").done().unwrap();
    tx.set(b"x", b"");
    let other = database.begin();
    assert_eq!(other.add_conflict(b"k", b"kk", true), 0);
    other.commit().done().unwrap();
    assert!(other.committed_version() > 0, "a write conflict alone is a write");
    assert_eq!(tx.commit().done(), CONFLICT);
    assert_eq!(database.begin().add_conflict(b"b", b"a", true), 2005);
    let tx = database.begin();
    assert_eq!(tx.add_conflict(b"a", b"\xff\xff", true), 0);
    assert_eq!(tx.commit().done(), Err(2004));
}

#[test]
fn a_write_can_be_without_conflict() {
    let database = Database::fresh();
    let reader = database.begin();
    reader.get(b"k").done().unwrap();
    reader.set(b"x", b"");
    let writer = database.begin();
    assert_eq!(writer.set_option(30, b""), 0);
    writer.set(b"k", b"quiet");
    writer.set(b"other", b"");
    writer.commit().done().unwrap();
    assert_eq!(reader.commit().done(), Ok(()));
    assert_eq!(database.value(b"k").as_deref(), Some(&b"quiet"[..]));
}

#[test]
fn what_only_reads_or_only_writes_never_conflicts() {
    let database = Database::fresh();
    let reader = database.begin();
    reader.get(b"k").done().unwrap();
    let (one, two) = (database.begin(), database.begin());
    for tx in [&one, &two] {
        tx.read_version().done().unwrap();
        tx.set(b"k", b"1");
    }
    one.commit().done().unwrap();
    two.commit().done().unwrap();
    assert!(two.committed_version() > one.committed_version());
    reader.commit().done().unwrap();
    assert_eq!(reader.committed_version(), -1);
}

#[test]
fn write_skew_is_refused_within_one_batch_too() {
    let database = Database::fresh();
    for _ in 0..50 {
        let (one, two) = (database.begin(), database.begin());
        one.get(b"a").done().unwrap();
        two.get(b"b").done().unwrap();
        one.set(b"b", b"1");
        two.set(b"a", b"1");
        let (first, second) = (one.commit(), two.commit());
        let results = [first.done(), second.done()];
        assert!(results.contains(&Ok(())) && results.contains(&CONFLICT), "{results:?}");
    }
}

#[test]
fn a_commit_waits_for_the_reads_before_it() {
    let database = Database::fresh();
    database.set_faults("latency_ms=30,seed=5");
    for _ in 0..10 {
        let tx = database.begin();
        tx.read_version().done().unwrap();
        Database::put(&database, b"k", b"new");
        let read = tx.get(b"k");
        tx.set(b"x", b"");
        assert_eq!(tx.commit().done(), CONFLICT);
        assert!(read.is_ready());
    }
}

#[test]
fn a_commit_at_the_read_version_is_seen_and_no_conflict() {
    let database = Database::fresh();
    let writer = database.begin();
    writer.set(b"k", b"1");
    writer.commit().done().unwrap();
    let tx = database.begin();
    tx.set_read_version(writer.committed_version());
    assert!(tx.get(b"k").value().unwrap().is_some());
    tx.set(b"x", b"");
    assert_eq!(tx.commit().done(), Ok(()));
    let before = database.begin();
    before.set_read_version(writer.committed_version() - 1);
    assert_eq!(before.get(b"k").value().unwrap(), None);
    before.set(b"x", b"");
    assert_eq!(before.commit().done(), CONFLICT);
}
