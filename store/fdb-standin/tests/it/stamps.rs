//! Versionstamps (<https://apple.github.io/foundationdb/api-c.html#c.fdb_transaction_get_versionstamp>).

use crate::api::{Database, STAMPED_KEY, STAMPED_VALUE, range};

#[test]
fn stamps_are_the_version_and_the_order() {
    let database = Database::fresh();
    let tx = database.begin();
    tx.atomic(STAMPED_KEY, b"a/0123456789/1\x02\0\0\0", b"one");
    tx.atomic(STAMPED_KEY, b"a/0123456789/2\x02\0\0\0", b"two");
    tx.atomic(STAMPED_VALUE, b"v", b"at 0123456789!\x03\0\0\0");
    let promised = tx.versionstamp();
    assert!(!promised.is_ready());
    tx.commit().done().unwrap();
    let stamp = promised.key().unwrap();
    assert_eq!(stamp[..8], tx.committed_version().to_be_bytes());
    assert_eq!(stamp.len(), 10);
    let (items, _) = database.begin().get_range(range(b"a", b"b")).items().unwrap();
    let keys: Vec<_> = items.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [[&b"a/"[..], &stamp, b"/1"].concat(), [&b"a/"[..], &stamp, b"/2"].concat()]);
    assert_eq!(database.value(b"v").unwrap(), [&b"at "[..], &stamp, b"!"].concat());
}

#[test]
fn stamps_of_one_batch_differ_in_order() {
    // On a machine that is busy enough each commit may be a batch of its own.
    assert!((0..20).any(|_| stamps_of_many_commits() < 200), "some share a batch");
}

/// How many versions 200 commits have that are on their way at once.
fn stamps_of_many_commits() -> usize {
    let database = Database::fresh();
    let open: Vec<_> = (0..200).map(|_| database.begin()).collect();
    open.iter().for_each(|tx| tx.atomic(STAMPED_KEY, b"l/0123456789\x02\0\0\0", b""));
    let promised: Vec<_> = open.iter().map(super::api::Transaction::versionstamp).collect();
    let commits: Vec<_> = open.iter().map(super::api::Transaction::commit).collect();
    commits.iter().for_each(|commit| commit.done().unwrap());
    let mut stamps: Vec<_> = promised.iter().map(|stamp| stamp.key().unwrap()).collect();
    assert!(stamps.is_sorted(), "in the order of the calls");
    stamps.dedup();
    assert_eq!(stamps.len(), 200);
    let versions: std::collections::BTreeSet<_> = stamps.iter().map(|stamp| stamp[..8].to_vec()).collect();
    let (log, _) = database.begin().get_range(range(b"l/", b"l0")).items().unwrap();
    assert!(log.iter().map(|(key, _)| &key[2..]).eq(stamps.iter().map(Vec::as_slice)));
    versions.len()
}

#[test]
fn a_stamp_is_there_after_a_commit_that_wrote() {
    let database = Database::fresh();
    let tx = database.begin();
    let stamp = tx.versionstamp();
    tx.get(b"k").done().unwrap();
    tx.commit().done().unwrap();
    assert_eq!(stamp.done(), Err(2021), "no_commit_version");
    let tx = database.begin();
    let stamp = tx.versionstamp();
    tx.get(b"k").done().unwrap();
    tx.set(b"x", b"");
    database.put(b"k", b"");
    assert_eq!(tx.commit().done(), Err(1020));
    assert_eq!(stamp.done(), Err(2020), "transaction_invalid_version");
    let tx = database.begin();
    let stamp = tx.versionstamp();
    drop(tx);
    assert_eq!(stamp.done(), Err(1025));
}

#[test]
fn a_stamped_key_conflicts_with_who_read_its_place() {
    let database = Database::fresh();
    let reader = database.begin();
    reader.get_range(range(b"l/", b"l0")).done().unwrap();
    reader.set(b"x", b"");
    let writer = database.begin();
    writer.atomic(STAMPED_KEY, b"l/0123456789\x02\0\0\0", b"");
    writer.commit().done().unwrap();
    assert_eq!(reader.commit().done(), Err(1020));
    let (one, two) = (database.begin(), database.begin());
    for tx in [&one, &two] {
        tx.read_version().done().unwrap();
        tx.atomic(STAMPED_KEY, b"l/0123456789\x02\0\0\0", b"");
    }
    one.commit().done().unwrap();
    assert_eq!(two.commit().done(), Ok(()), "appending conflicts with no other append");
}
