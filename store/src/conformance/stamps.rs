//! Versionstamped keys and values.

use super::{Bed, kind, value};
use crate::tuple::{Subspace, Versionstamp};
use crate::{AtomicOp, ErrorKind, RangeQuery, Store};

/// A key `prefix + stamp + suffix` as [`AtomicOp::SetVersionstampedKey`] takes it.
fn stamped(prefix: &[u8], suffix: &[u8]) -> Vec<u8> {
    let mut key = [prefix, &[0; 10], suffix].concat();
    key.extend_from_slice(&(prefix.len() as u32).to_le_bytes());
    key
}

async fn append(store: &Store, value: &[u8]) -> [u8; 10] {
    let tx = store.begin();
    tx.atomic(AtomicOp::SetVersionstampedKey, &stamped(b"log/", b""), value);
    tx.commit().await.unwrap().versionstamp.unwrap()
}

pub(super) async fn stamped_keys_hold_the_stamp(bed: Bed) {
    let tx = bed.store.begin();
    tx.atomic(AtomicOp::SetVersionstampedKey, &stamped(b"a/", b"/1"), b"one");
    tx.atomic(AtomicOp::SetVersionstampedKey, &stamped(b"a/", b"/2"), b"two");
    tx.atomic(AtomicOp::SetVersionstampedKey, &stamped(b"", b""), b"bare");
    let promised = tx.versionstamp();
    let committed = tx.commit().await.unwrap();
    let stamp = committed.versionstamp.unwrap();
    assert_eq!(promised.await.unwrap(), stamp);
    assert_eq!(stamp[..8], committed.version.to_be_bytes());
    let items = bed.store.begin().get_range(RangeQuery::prefix(b"a/")).await.unwrap().items;
    let keys: Vec<_> = items.iter().map(|item| item.key.to_vec()).collect();
    assert_eq!(keys, [[&b"a/"[..], &stamp, b"/1"].concat(), [&b"a/"[..], &stamp, b"/2"].concat()]);
    assert_eq!(value(&bed.store, &stamp).await.as_deref(), Some(&b"bare"[..]));
}

pub(super) async fn stamped_values_hold_the_stamp(bed: Bed) {
    let tx = bed.store.begin();
    tx.atomic(AtomicOp::SetVersionstampedValue, b"v", &stamped(b"at ", b"!"));
    tx.set(b"plain", b"1");
    let stamp = tx.commit().await.unwrap().versionstamp.unwrap();
    assert_eq!(value(&bed.store, b"v").await.unwrap(), [&b"at "[..], &stamp, b"!"].concat());
}

pub(super) async fn stamps_follow_the_order_of_commits(bed: Bed) {
    let mut stamps = Vec::new();
    for round in 0..20u8 {
        stamps.push(append(&bed.store, &[round]).await);
    }
    assert!(stamps.is_sorted_by(|one, two| one < two), "{stamps:?}");
    let log = bed.store.begin().get_range(RangeQuery::prefix(b"log/")).await.unwrap().items;
    assert!(log.iter().map(|item| item.value[0]).eq(0..20));
}

pub(super) async fn stamps_of_concurrent_commits_differ(bed: Bed) {
    const TASKS: usize = 16;
    const ROUNDS: usize = 20;
    let tasks = (0..TASKS).map(|_| {
        let store = bed.store.clone();
        tokio::spawn(async move {
            let mut stamps = Vec::new();
            for _ in 0..ROUNDS {
                // What is read at this version was stamped before, what commits from here on is stamped later.
                let read = store.begin().read_version().await.unwrap();
                let stamp = append(&store, b"").await;
                assert!(stamp[..8] > read.to_be_bytes()[..]);
                stamps.push(stamp);
            }
            assert!(stamps.is_sorted_by(|one, two| one < two));
            stamps
        })
    });
    let mut stamps = futures::future::try_join_all(tasks).await.unwrap().concat();
    stamps.sort_unstable();
    stamps.dedup();
    assert_eq!(stamps.len(), TASKS * ROUNDS);
    let log = bed.store.begin().collect_range(RangeQuery::prefix(b"log/")).await.unwrap().items;
    assert!(log.iter().map(|item| item.key[4..].to_vec()).eq(stamps.iter().map(|stamp| stamp.to_vec())));
}

pub(super) async fn versions_go_on_behind_an_advance(bed: Bed) {
    const LEAP: u64 = 1_000_000_000_000;
    let before = append(&bed.store, b"before").await;
    let now = bed.store.begin().read_version().await.unwrap();
    bed.store.advance(now + LEAP).await.unwrap();
    assert!(bed.store.begin().read_version().await.unwrap() > now + LEAP);
    let tx = |tx: crate::Transaction| async move {
        let seen = tx.get_range(RangeQuery::prefix(b"log/")).await?.items.len();
        tx.atomic(AtomicOp::SetVersionstampedKey, &stamped(b"log/", b""), b"behind");
        Ok::<_, crate::Error>(seen)
    };
    let (seen, committed) = bed.store.run_committed(crate::RunOptions::default(), tx).await.unwrap();
    assert_eq!(seen, 1, "what was there stays");
    assert!(committed.version > now + LEAP && committed.versionstamp.unwrap() > before);
    let log = bed.store.begin().get_range(RangeQuery::prefix(b"log/")).await.unwrap().items;
    assert_eq!(log.last().unwrap().value, "behind", "it sorts behind what was there");
    bed.store.advance(now).await.unwrap();
    let after = bed.store.begin().read_version().await.unwrap();
    assert!(after >= committed.version, "versions do not go back");
    assert!(after < committed.version + LEAP, "and do not leap where they are far enough");
    assert_eq!(kind(bed.store.advance(u64::MAX).await), ErrorKind::Invalid);
}

pub(super) async fn stamped_tuples_unpack(bed: Bed) {
    let space = Subspace::from("log");
    let tx = bed.store.begin();
    for order in 0..3u16 {
        let key = space.pack_with_versionstamp(&(Versionstamp::incomplete(order), "entry"));
        tx.atomic(AtomicOp::SetVersionstampedKey, &key, b"");
    }
    let stamp = tx.commit().await.unwrap().versionstamp.unwrap();
    let items = bed.store.begin().get_range(RangeQuery::from(&space)).await.unwrap().items;
    assert_eq!(items.len(), 3);
    for (order, item) in items.iter().enumerate() {
        let (found, text): (Versionstamp, String) = space.unpack(&item.key).unwrap();
        assert_eq!(found, Versionstamp::complete(stamp, order as u16));
        assert_eq!(text, "entry");
    }
}

pub(super) async fn odd_stamp_positions_are_refused(bed: Bed) {
    let long = [&[0; 13][..], &u32::MAX.to_le_bytes()].concat();
    let behind = [&[0; 13][..], &4u32.to_le_bytes()].concat();
    for template in [&b""[..], b"abc", &[0; 13], &long, &behind] {
        let tx = bed.store.begin();
        tx.atomic(AtomicOp::SetVersionstampedKey, template, b"");
        assert_eq!(kind(tx.commit().await), ErrorKind::Invalid, "{template:?}");
        let tx = bed.store.begin();
        tx.atomic(AtomicOp::SetVersionstampedValue, b"k", template);
        assert_eq!(kind(tx.commit().await), ErrorKind::Invalid, "{template:?}");
    }
}

pub(super) async fn stamp_future_ends_with_the_transaction(bed: Bed) {
    let tx = bed.store.begin();
    let dropped = tx.versionstamp();
    drop(tx);
    assert_eq!(kind(dropped.await), ErrorKind::Cancelled);
    let tx = bed.store.begin();
    let read_only = tx.versionstamp();
    tx.get(b"a").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(kind(read_only.await), ErrorKind::Invalid);
    let tx = bed.store.begin();
    tx.get(b"a").await.unwrap();
    tx.set(b"b", b"");
    let refused = tx.versionstamp();
    super::put(&bed.store, b"a", b"1").await;
    assert_eq!(kind(tx.commit().await), ErrorKind::Conflict);
    assert_eq!(kind(refused.await), ErrorKind::Cancelled);
}
