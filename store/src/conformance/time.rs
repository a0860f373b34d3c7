//! The five seconds that a transaction may take.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{Bed, kind, put, value};
use crate::{Error, ErrorKind};

const OVER: Duration = Duration::from_millis(5_100);

pub(super) async fn reads_after_five_seconds_are_refused(bed: Bed) {
    let tx = bed.store.begin();
    tx.get(b"a").await.unwrap();
    put(&bed.store, b"b", b"1").await;
    (bed.pass)(OVER).await;
    put(&bed.store, b"b", b"2").await;
    assert_eq!(kind(tx.get(b"a").await), ErrorKind::TooOld);
    let late = bed.store.begin();
    late.get(b"a").await.unwrap();
}

pub(super) async fn commits_after_five_seconds_are_refused(bed: Bed) {
    let tx = bed.store.begin();
    tx.get(b"a").await.unwrap();
    tx.set(b"c", b"1");
    put(&bed.store, b"b", b"1").await;
    (bed.pass)(OVER).await;
    put(&bed.store, b"b", b"2").await;
    assert_eq!(kind(tx.commit().await), ErrorKind::TooOld);
    assert_eq!(value(&bed.store, b"c").await, None);
    let next = bed.store.begin();
    next.get(b"a").await.unwrap();
    next.set(b"c", b"1");
    next.commit().await.expect("a refusal concerns nobody else");
}

pub(super) async fn four_seconds_are_fine(bed: Bed) {
    put(&bed.store, b"a", b"old").await;
    let tx = bed.store.begin();
    tx.read_version().await.unwrap();
    for _ in 0..4 {
        (bed.pass)(Duration::from_millis(900)).await;
        put(&bed.store, b"a", b"new").await;
    }
    assert_eq!(tx.snapshot().get(b"a").await.unwrap().as_deref(), Some(&b"old"[..]));
    tx.set(b"b", b"1");
    tx.commit().await.unwrap();
}

pub(super) async fn run_renews_old_transactions(bed: Bed) {
    let attempts = AtomicUsize::new(0);
    let (attempts, bed) = (&attempts, &bed);
    let run = bed.store.run(|tx| async move {
        tx.get(b"a").await?;
        if attempts.fetch_add(1, Ordering::Relaxed) == 0 {
            (bed.pass)(OVER).await;
        }
        tx.get(b"a").await?;
        tx.set(b"b", b"1");
        Ok::<_, Error>(())
    });
    run.await.unwrap();
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
    assert!(value(&bed.store, b"b").await.is_some());
}
