//! Serialisability and conflicts of single keys.

use super::{Bed, kind, letters, put, put_letters, value};
use crate::{Error, ErrorKind, KeySelector, RangeQuery};

pub(super) async fn write_skew_is_refused(bed: Bed) {
    put_letters(&bed.store, "ab").await;
    let (one, two) = (bed.store.begin(), bed.store.begin());
    one.get(b"a").await.unwrap();
    two.get(b"b").await.unwrap();
    one.set(b"b", b"1");
    two.set(b"a", b"2");
    one.commit().await.unwrap();
    assert_eq!(kind(two.commit().await), ErrorKind::Conflict);
}

pub(super) async fn lost_update_is_refused(bed: Bed) {
    let (one, two) = (bed.store.begin(), bed.store.begin());
    for tx in [&one, &two] {
        assert_eq!(tx.get(b"n").await.unwrap(), None);
        tx.set(b"n", b"1");
    }
    one.commit().await.unwrap();
    assert_eq!(kind(two.commit().await), ErrorKind::Conflict);
}

pub(super) async fn blind_writes_do_not_conflict(bed: Bed) {
    let (one, two) = (bed.store.begin(), bed.store.begin());
    one.get(b"other").await.unwrap();
    two.get(b"other").await.unwrap();
    one.set(b"a", b"1");
    two.set(b"a", b"2");
    one.commit().await.unwrap();
    two.commit().await.unwrap();
    assert_eq!(value(&bed.store, b"a").await.as_deref(), Some(&b"2"[..]));
}

pub(super) async fn reads_are_of_one_version(bed: Bed) {
    put_letters(&bed.store, "ab").await;
    let tx = bed.store.begin();
    let version = tx.read_version().await.unwrap();
    put(&bed.store, b"b", b"new").await;
    put(&bed.store, b"c", b"new").await;
    assert_eq!(tx.get(b"b").await.unwrap().as_deref(), Some(&b"b"[..]));
    assert_eq!(letters(&tx, RangeQuery::prefix(b"")).await, "ab");
    assert_eq!(tx.read_version().await.unwrap(), version);
}

pub(super) async fn acknowledged_commits_are_seen(bed: Bed) {
    let mut last = 0;
    for round in 0..20u8 {
        let tx = bed.store.begin();
        tx.set(b"a", &[round]);
        let committed = tx.commit().await.unwrap();
        assert!(committed.version > last, "versions grow");
        last = committed.version;
        let reader = bed.store.begin();
        assert!(reader.read_version().await.unwrap() >= committed.version);
        assert_eq!(reader.get(b"a").await.unwrap().as_deref(), Some(&[round][..]));
    }
}

pub(super) async fn dropped_transaction_changes_nothing(bed: Bed) {
    bed.store.begin().set(b"a", b"1");
    assert_eq!(value(&bed.store, b"a").await, None);
}

pub(super) async fn refused_transaction_changes_nothing(bed: Bed) {
    let tx = bed.store.begin();
    tx.get(b"a").await.unwrap();
    tx.set(b"b", b"1");
    tx.clear(b"c");
    put_letters(&bed.store, "ac").await;
    assert_eq!(kind(tx.commit().await), ErrorKind::Conflict);
    assert_eq!(value(&bed.store, b"b").await, None);
    assert!(value(&bed.store, b"c").await.is_some());
}

pub(super) async fn added_conflict_ranges_count(bed: Bed) {
    let reader = bed.store.begin();
    reader.read_version().await.unwrap();
    reader.add_read_conflict_range(b"b", b"d");
    reader.set(b"x", b"1");
    let elsewhere = bed.store.begin();
    elsewhere.read_version().await.unwrap();
    elsewhere.add_read_conflict_range(b"d", b"f");
    elsewhere.set(b"y", b"1");
    let writer = bed.store.begin();
    writer.add_write_conflict_range(b"c", b"d");
    let committed = writer.commit().await.unwrap();
    assert!(committed.versionstamp.is_some(), "a write conflict alone is a write");
    assert_eq!(kind(reader.commit().await), ErrorKind::Conflict);
    elsewhere.commit().await.unwrap();
}

pub(super) async fn snapshot_reads_do_not_conflict(bed: Bed) {
    put_letters(&bed.store, "abc").await;
    let tx = bed.store.begin();
    let snapshot = tx.snapshot();
    snapshot.get(b"a").await.unwrap();
    snapshot.get_range(RangeQuery::prefix(b"")).await.unwrap();
    snapshot.get_key(&KeySelector::first_greater_than(&b"a"[..])).await.unwrap();
    tx.set(b"x", b"1");
    assert_eq!(snapshot.get(b"x").await.unwrap().as_deref(), Some(&b"1"[..]), "own writes are there");
    put_letters(&bed.store, "abcd").await;
    assert_eq!(snapshot.get(b"d").await.unwrap(), None, "the version stays");
    tx.commit().await.unwrap();
}

pub(super) async fn read_only_transaction_never_conflicts(bed: Bed) {
    let tx = bed.store.begin();
    tx.get(b"a").await.unwrap();
    put(&bed.store, b"a", b"1").await;
    let committed = tx.commit().await.unwrap();
    assert_eq!(committed.versionstamp, None);
}

pub(super) async fn transaction_commits_once(bed: Bed) {
    let tx = bed.store.begin();
    tx.set(b"a", b"1");
    tx.commit().await.unwrap();
    assert_eq!(kind(tx.commit().await), ErrorKind::Invalid);
    assert_eq!(kind(tx.get(b"a").await), ErrorKind::Invalid);
    tx.set(b"a", b"2");
    assert_eq!(value(&bed.store, b"a").await.as_deref(), Some(&b"1"[..]));
}

pub(super) async fn own_writes_are_no_read(bed: Bed) {
    let tx = bed.store.begin();
    tx.read_version().await.unwrap();
    tx.set(b"a", b"1");
    tx.clear_range(b"c", b"f");
    tx.get(b"a").await.unwrap();
    tx.get_range(RangeQuery::from((&b"c"[..], &b"f"[..]))).await.unwrap();
    put_letters(&bed.store, "ade").await;
    tx.commit().await.unwrap();
    assert_eq!(letters(&bed.store.begin(), RangeQuery::prefix(b"")).await, "a");
}

pub(super) async fn concurrent_increments_lose_nothing(bed: Bed) {
    const TASKS: u64 = 8;
    const ROUNDS: u64 = 20;
    let tasks = (0..TASKS).map(|_| {
        let store = bed.store.clone();
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                store
                    .run(|tx| async move {
                        let count = tx.get(b"count").await?.map_or(0, |value| number(&value));
                        tx.set(b"count", &(count + 1).to_be_bytes());
                        Ok::<_, Error>(())
                    })
                    .await
                    .unwrap();
            }
        })
    });
    futures::future::try_join_all(tasks).await.unwrap();
    assert_eq!(number(&value(&bed.store, b"count").await.unwrap()), TASKS * ROUNDS);
}

fn number(value: &[u8]) -> u64 {
    u64::from_be_bytes(value.try_into().unwrap())
}

pub(super) async fn readers_see_whole_transfers(bed: Bed) {
    const ACCOUNTS: u8 = 5;
    const ROUNDS: u8 = 30;
    let tx = bed.store.begin();
    (0..ACCOUNTS).for_each(|account| tx.set(&[account], &100u64.to_be_bytes()));
    tx.commit().await.unwrap();
    let transfers = (1..4u8).map(|step| {
        let store = bed.store.clone();
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let (from, to) = ([round % ACCOUNTS], [(round + step) % ACCOUNTS]);
                store
                    .run(|tx| async move {
                        let there = number(&tx.get(&from).await?.unwrap());
                        let here = number(&tx.get(&to).await?.unwrap());
                        let moved = there.min(7);
                        tx.set(&from, &(there - moved).to_be_bytes());
                        tx.set(&to, &(here + moved).to_be_bytes());
                        Ok::<_, Error>(())
                    })
                    .await
                    .unwrap();
            }
        })
    });
    let transfers: Vec<_> = transfers.collect();
    while !transfers.iter().all(tokio::task::JoinHandle::is_finished) {
        let items = bed.store.begin().get_range(RangeQuery::prefix(b"")).await.unwrap().items;
        assert_eq!(items.iter().map(|item| number(&item.value)).sum::<u64>(), 500);
        tokio::task::yield_now().await;
    }
    futures::future::try_join_all(transfers).await.unwrap();
}
