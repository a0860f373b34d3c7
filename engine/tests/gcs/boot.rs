//! Snapshots on their way from the bucket into an engine that starts.

use std::time::Duration;

use coditect_engine::BucketOptions;

use crate::bed::Bed;
use crate::faults::{Fault, Rule};
use crate::harness::WAIT;
use crate::log;

const TAKEN_UP: &str = "indexes taken up from a snapshot";
const REFUSED: &str = "a snapshot cannot be used, trying what is older";
const GIVEN_UP: &str = "snapshots cannot be had: building from the documents";

/// An object of the newest snapshot that does not come as it should: the older one is taken, and it is said why.
async fn the_older_one_is_taken(fault: Fault, said: &str) {
    let bed = Bed::new().await;
    let [old, new] = bed.two_snapshots().await.map(|snapshot| snapshot.id.to_string());
    bed.proxy.break_by(Rule::new(fault, "GET", format!("{new}/vectors.")));
    bed.boot().await;
    assert!(!bed.hit(fault).is_empty());
    let line = log::until(&[REFUSED, &new], 1).await;
    assert!(line.contains(&format!("{new}/vectors.00000 ")) && line.contains(said), "{line}");
    log::until(&[TAKEN_UP, &old], 1).await;
    assert_eq!(log::lines(&[TAKEN_UP, &new]), [""; 0]);

    bed.proxy.heal();
    bed.boot().await;
    log::until(&[TAKEN_UP, &new], 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_snapshot_is_taken_where_a_download_is_always_cut() {
    the_older_one_is_taken(Fault::CutDownload, "connection").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_snapshot_is_taken_where_an_object_is_always_answered_by_503() {
    the_older_one_is_taken(Fault::Status(503), "503 Service Unavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_snapshot_is_taken_where_an_object_is_shorter() {
    the_older_one_is_taken(Fault::Truncate, " bytes instead of ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_snapshot_is_taken_where_an_object_is_another() {
    the_older_one_is_taken(Fault::Flip, "its BLAKE3 is ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_snapshot_is_taken_where_an_object_is_missing() {
    the_older_one_is_taken(Fault::Status(404), "is missing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_cut_goes_on_where_it_was() {
    let bed = Bed::new().await;
    let [_, new] = bed.two_snapshots().await.map(|snapshot| snapshot.id.to_string());
    let path = format!("{new}/vectors.");
    bed.proxy.break_by(Rule { times: 1, ..Rule::new(Fault::CutDownload, "GET", &*path) });
    bed.boot().await;
    log::until(&[TAKEN_UP, &new], 1).await;
    let seen = bed.proxy.seen().into_iter().filter(|it| it.method == "GET" && it.path.contains(&path));
    let seen: Vec<_> = seen.map(|it| (it.fault, it.status)).collect();
    assert_eq!(seen, [(Some(Fault::CutDownload), Some(200)), (None, Some(206))]);
}

/// A bucket that gives nothing at all: everything is built from the documents.
async fn all_is_built_from_the_documents(bed: Bed, fault: Fault, said: &str) {
    let [old, new] = bed.two_snapshots().await.map(|snapshot| snapshot.id.to_string());
    bed.proxy.break_by(Rule::new(fault, "GET", ""));
    bed.boot().await;
    // Of two snapshots that cannot be had, the older one is tried last.
    log::until(&[REFUSED, &new, said], 1).await;
    log::until(&[GIVEN_UP, &old, said], 1).await;
    assert_eq!(log::lines(&[TAKEN_UP, &old]).len() + log::lines(&[TAKEN_UP, &new]).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_bucket_always_answers_503_all_is_built_from_the_documents() {
    all_is_built_from_the_documents(Bed::new().await, Fault::Status(503), "503 Service Unavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_bucket_denies_access_all_is_built_from_the_documents() {
    all_is_built_from_the_documents(Bed::new().await, Fault::Status(403), "403 Forbidden").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_bucket_never_answers_all_is_built_from_the_documents() {
    // Long enough for the requests that the bucket does answer.
    let answer = Duration::from_secs(2);
    let bed = Bed::with(BucketOptions { answer, ..BucketOptions::default() }).await;
    all_is_built_from_the_documents(bed, Fault::Silence, "no answer within 2s").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_waits_for_its_bucket_can_be_stopped() {
    let bed = Bed::new().await;
    bed.two_snapshots().await;
    bed.proxy.break_by(Rule::new(Fault::Silence, "GET", ""));
    let engine = bed.reader();
    let deadline = tokio::time::Instant::now() + WAIT;
    while bed.hit(Fault::Silence).is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "the bucket is not asked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(WAIT < BucketOptions::default().answer);
    tokio::time::timeout(WAIT, engine.stop()).await.unwrap();
    assert!(!engine.readiness().ready);
}
