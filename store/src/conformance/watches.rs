//! Watches.

use futures::FutureExt as _;

use super::{Bed, kind, put};
use crate::{AtomicOp, Error, ErrorKind, Limit, Store, Watch, limits};

async fn watch(store: &Store, key: &[u8]) -> Watch {
    store.run(|tx| async move { Ok::<_, Error>(tx.watch(key)) }).await.unwrap()
}

fn waits(watch: &mut Watch) -> bool {
    watch.now_or_never().is_none()
}

pub(super) async fn watch_fires_on_change(bed: Bed) {
    let mut missing = watch(&bed.store, b"k").await;
    assert!(waits(&mut missing));
    put(&bed.store, b"k", b"1").await;
    missing.await.unwrap();
    let there = watch(&bed.store, b"k").await;
    put(&bed.store, b"k", b"2").await;
    there.await.unwrap();
}

pub(super) async fn watch_ignores_the_same_value(bed: Bed) {
    put(&bed.store, b"k", b"1").await;
    let mut same = watch(&bed.store, b"k").await;
    let other = watch(&bed.store, b"other").await;
    put(&bed.store, b"k", b"1").await;
    put(&bed.store, b"other", b"1").await;
    other.await.unwrap();
    assert!(waits(&mut same), "set to the value that it had");
    put(&bed.store, b"k", b"2").await;
    same.await.unwrap();
}

pub(super) async fn watch_fires_on_clears_and_atomics(bed: Bed) {
    for key in [b"a", b"b", b"c"] {
        put(&bed.store, key, &[1]).await;
    }
    let watches = [watch(&bed.store, b"a").await, watch(&bed.store, b"b").await, watch(&bed.store, b"c").await];
    let stamped = watch(&bed.store, b"stamped").await;
    let tx = bed.store.begin();
    tx.clear(b"a");
    tx.clear_range(b"b", b"bb");
    tx.atomic(AtomicOp::Add, b"c", &[1]);
    tx.atomic(AtomicOp::SetVersionstampedValue, b"stamped", &[0; 14]);
    tx.commit().await.unwrap();
    for watch in watches {
        watch.await.unwrap();
    }
    stamped.await.unwrap();
}

pub(super) async fn watch_sees_what_came_before_its_commit(bed: Bed) {
    let tx = bed.store.begin();
    tx.read_version().await.unwrap();
    let watch = tx.watch(b"k");
    put(&bed.store, b"k", b"1").await;
    tx.commit().await.unwrap();
    watch.await.unwrap();
}

pub(super) async fn watch_of_own_write(bed: Bed) {
    let tx = bed.store.begin();
    tx.set(b"k", b"1");
    let mut watch = tx.watch(b"k");
    tx.commit().await.unwrap();
    assert!(waits(&mut watch), "the value that the transaction itself wrote");
    put(&bed.store, b"k", b"2").await;
    watch.await.unwrap();
}

pub(super) async fn watching_is_a_read(bed: Bed) {
    let tx = bed.store.begin();
    tx.read_version().await.unwrap();
    let watch = tx.watch(b"k");
    tx.set(b"x", b"");
    put(&bed.store, b"k", b"1").await;
    assert_eq!(kind(tx.commit().await), ErrorKind::Conflict);
    assert_eq!(kind(watch.await), ErrorKind::Cancelled);
}

pub(super) async fn watch_ends_with_its_transaction(bed: Bed) {
    let tx = bed.store.begin();
    let dropped = tx.watch(b"k");
    drop(tx);
    assert_eq!(kind(dropped.await), ErrorKind::Cancelled);
    let tx = bed.store.begin();
    tx.get(b"k").await.unwrap();
    tx.set(b"x", b"");
    let refused = tx.watch(b"y");
    put(&bed.store, b"k", b"1").await;
    assert_eq!(kind(tx.commit().await), ErrorKind::Conflict);
    assert_eq!(kind(refused.await), ErrorKind::Cancelled);
    assert_eq!(kind(bed.store.begin().watch(b"\xff").await), ErrorKind::Invalid);
}

pub(super) async fn all_watches_of_a_key_fire(bed: Bed) {
    let mut watches = Vec::new();
    for _ in 0..50 {
        watches.push(watch(&bed.store, b"k").await);
    }
    put(&bed.store, b"k", b"1").await;
    for result in futures::future::join_all(watches).await {
        result.unwrap();
    }
}

pub(super) async fn dropped_watches_make_room(bed: Bed) {
    let tx = bed.store.begin();
    let held: Vec<_> = (0..limits::WATCHES).map(|_| tx.watch(b"k")).collect();
    assert_eq!(kind(tx.watch(b"k").await), ErrorKind::TooLarge(Limit::Watches));
    drop(held);
    let kept = tx.watch(b"k");
    tx.commit().await.unwrap();
    put(&bed.store, b"k", b"1").await;
    kept.await.unwrap();
}

/// Watches set while others commit all the time: none is lost, whichever side of the commit it comes to lie on.
pub(super) async fn watch_of_one_among_many_commits(bed: Bed) {
    const ROUNDS: u32 = 200;
    let store = bed.store.clone();
    let writer = tokio::spawn(async move {
        for round in 1..=ROUNDS {
            put(&store, b"k", &round.to_be_bytes()).await;
        }
    });
    let last = ROUNDS.to_be_bytes();
    loop {
        let (value, watch) =
            bed.store.run(|tx| async move { Ok::<_, Error>((tx.get(b"k").await?, tx.watch(b"k"))) }).await.unwrap();
        if value.as_deref() == Some(&last[..]) {
            break;
        }
        watch.await.unwrap();
    }
    writer.await.unwrap();
}
