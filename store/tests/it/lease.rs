//! Leases: one holder at a time, taking over from one that stopped, and fencing of one that does not know yet.

use std::time::Duration;

use coditect_store::faults::{Fault, Faults};
use coditect_store::{Error, ErrorKind, Lease, Store, Term};

use crate::support::{kind, manual_clock, open_at, put};

const TIME_TO_LIVE: Duration = Duration::from_secs(15);

fn lease(store: &Store) -> Lease {
    Lease::new(store.clone(), b"lease".to_vec(), TIME_TO_LIVE)
}

/// Writes under a term.
async fn work(store: &Store, term: &Term) -> Result<(), Error> {
    store
        .run(|tx| async move {
            term.fence(&tx).await?;
            tx.set(b"work", &term.number().to_be_bytes());
            Ok(())
        })
        .await
}

#[tokio::test]
async fn one_at_a_time_and_the_next_after_a_release() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_at(dir.path(), &manual_clock()).await;
    let (mut one, mut other) = (lease(&store), lease(&store));
    let first = one.hold().await.unwrap().unwrap();
    assert!(other.hold().await.unwrap().is_none());
    assert_eq!(one.hold().await.unwrap().unwrap(), first, "renewing goes on with the term");
    other.release().await.unwrap();
    assert!(other.hold().await.unwrap().is_none(), "only the holder gives it back");
    one.release().await.unwrap();
    let second = other.hold().await.unwrap().unwrap();
    assert!(second.number() > first.number());
    assert_eq!(kind(work(&store, &first).await), ErrorKind::Lost);
    work(&store, &second).await.unwrap();
}

#[tokio::test]
async fn a_holder_that_renews_keeps_it_and_one_that_does_not_loses_it() {
    let dir = tempfile::tempdir().unwrap();
    let clock = manual_clock();
    let store = open_at(dir.path(), &clock).await;
    let (mut one, mut other) = (lease(&store), lease(&store));
    let term = one.hold().await.unwrap().unwrap();
    for _ in 0..10 {
        clock.advance(TIME_TO_LIVE / 2);
        assert!(other.hold().await.unwrap().is_none());
        one.hold().await.unwrap().unwrap();
    }
    // The other saw the last record before its renewal.
    clock.advance(TIME_TO_LIVE);
    assert!(other.hold().await.unwrap().is_none(), "what it saw was renewed since");
    clock.advance(TIME_TO_LIVE - Duration::from_millis(1));
    assert!(other.hold().await.unwrap().is_none());
    work(&store, &term).await.unwrap();
    clock.advance(Duration::from_millis(1));
    let taken = other.hold().await.unwrap().unwrap();
    assert_eq!(kind(work(&store, &term).await), ErrorKind::Lost);
    work(&store, &taken).await.unwrap();
    assert!(one.hold().await.unwrap().is_none(), "the earlier holder has to wait like others");
    one.release().await.unwrap();
    work(&store, &taken).await.unwrap();
}

#[tokio::test]
async fn a_transaction_under_way_when_the_term_ends_does_not_commit() {
    let dir = tempfile::tempdir().unwrap();
    let clock = manual_clock();
    let store = open_at(dir.path(), &clock).await;
    let (mut one, mut other) = (lease(&store), lease(&store));
    let term = one.hold().await.unwrap().unwrap();
    assert!(other.hold().await.unwrap().is_none());
    clock.advance(TIME_TO_LIVE);
    let tx = store.begin();
    term.fence(&tx).await.unwrap();
    tx.set(b"work", b"late");
    other.hold().await.unwrap().unwrap();
    assert_eq!(kind(tx.commit().await), ErrorKind::Conflict);
}

#[tokio::test]
async fn an_unknown_result_is_neither_a_second_term_nor_a_lost_one() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    let store = open_at(dir.path(), &manual_clock()).await.with_faults(faults.clone());
    let mut one = lease(&store);
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied, Fault::Conflict] {
        faults.on_commits([fault]);
        assert_eq!(one.hold().await.unwrap().unwrap().number(), 1);
    }
}

#[tokio::test]
async fn of_many_that_want_it_at_once_one_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_at(dir.path(), &manual_clock()).await;
    let wanting = (0..20).map(|_| {
        let mut lease = lease(&store);
        async move { lease.hold().await.unwrap().is_some() }
    });
    let got = futures::future::join_all(wanting).await;
    assert_eq!(got.into_iter().filter(|&got| got).count(), 1);
}

#[tokio::test]
async fn work_goes_on_while_the_lease_is_renewed_and_stops_when_it_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let clock = manual_clock();
    let store = open_at(dir.path(), &clock).await;
    let time_to_live = Duration::from_millis(90);
    let lease = || Lease::new(store.clone(), b"lease".to_vec(), time_to_live);
    let mut one = lease();
    let record = || async { crate::support::get(&store, b"lease").await.unwrap() };
    let (done, renewed) = one
        .during(|term| async move {
            let before = record().await;
            tokio::time::sleep(time_to_live * 2).await;
            (term.number(), record().await != before)
        })
        .await
        .unwrap()
        .unwrap();
    assert_eq!((done, renewed), (1, true));

    let thief = async {
        let mut other = lease();
        // A renewal between the two looks makes another attempt necessary.
        loop {
            if let Some(term) = other.hold().await.unwrap() {
                return term;
            }
            clock.advance(time_to_live);
        }
    };
    let (worked, taken) = tokio::join!(one.during(|_| std::future::pending::<()>()), thief);
    assert_eq!(taken.number(), 2);
    assert_eq!(worked.unwrap(), None);
}

#[tokio::test]
async fn a_record_that_is_none_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_at(dir.path(), &manual_clock()).await;
    put(&store, b"lease", b"\x09something newer").await.unwrap();
    assert_eq!(kind(lease(&store).hold().await), ErrorKind::Corrupt);
}
