//! Snapshots on their way to the bucket.

use std::time::Duration;

use crate::bed::{Bed, put};
use crate::faults::{Fault, Rule};
use crate::harness::{WAIT, until_saved};
use crate::log;

const FAILED: &str = "a job of the upkeep failed";
const TAKEN_UP: &str = "indexes taken up from a snapshot";

#[tokio::test(flavor = "multi_thread")]
async fn another_engine_answers_from_a_snapshot_as_from_the_documents() {
    let bed = Bed::new().await;
    let [_, new] = bed.two_snapshots().await;
    bed.boot().await;
    log::until(&[TAKEN_UP, &new.id.to_string()], 1).await;
    assert_eq!(log::lines(&[FAILED, &bed.url]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_snapshots_that_are_not_kept_are_deleted() {
    let bed = Bed::new().await;
    let maker = bed.maker().await;
    for id in ["a", "b", "c", "d"] {
        until_saved(&maker, put(&maker, id).await).await;
    }
    // The manifest goes first, then the objects.
    let kept: Vec<String> = maker.snapshots().await.unwrap().iter().rev().take(2).map(|it| it.id.to_string()).collect();
    let deadline = tokio::time::Instant::now() + WAIT;
    loop {
        let objects = bed.objects().await;
        assert!(objects.iter().all(|object| object.starts_with("some/place/snapshots/")), "{objects:#?}");
        if objects.iter().all(|object| kept.iter().any(|id| object.contains(id))) {
            assert_eq!(objects.len(), 2 * 4, "{objects:#?}");
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{objects:#?} instead of {kept:?} alone");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    maker.stop().await;
    bed.boot().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_that_pass_do_not_fail_a_snapshot() {
    let bed = Bed::new().await;
    let maker = bed.maker().await;
    for (fault, path) in [(Fault::Status(503), "/vectors."), (Fault::CutUpload, "/keywords.")] {
        bed.proxy.break_by(Rule { times: 3, ..Rule::new(fault, "PUT", path) });
    }
    until_saved(&maker, put(&maker, "a").await).await;
    maker.stop().await;
    assert_eq!((bed.hit(Fault::Status(503)).len(), bed.hit(Fault::CutUpload).len()), (3, 3));
    assert_eq!(log::lines(&[FAILED, &bed.url]), [""; 0]);
    bed.boot().await;
}

/// A new snapshot of which one object does not get through: what stays in force, what is said, and what is done when it gets through again.
async fn an_object_does_not_get_through(fault: Fault, said: &str) {
    let bed = Bed::new().await;
    let maker = bed.maker().await;
    let old = until_saved(&maker, put(&maker, "a").await).await;
    bed.proxy.break_by(Rule::new(fault, "PUT", "/keywords."));
    let version = put(&maker, "b").await;
    let line = log::until(&[FAILED, &bed.url], 3).await;
    assert!(line.contains("/keywords.00000 in gs://") && line.contains(said), "{line}");
    assert_eq!(maker.snapshots().await.unwrap().last(), Some(&old));
    bed.boot().await;
    log::until(&[TAKEN_UP, &old.id.to_string()], 1).await;

    // It has tried often, always the same snapshot.
    let tried = bed.hit(fault);
    assert!(tried.len() > 3 && tried.iter().all(|path| *path == tried[0]), "{tried:#?}");
    let folder = tried[0].strip_suffix("keywords.00000").unwrap();
    let before = bed.written();
    let there: Vec<&String> = before.iter().filter(|path| path.starts_with(folder)).collect();
    assert_eq!(there.len(), 3, "the other objects are there, each written once: {there:#?}");
    bed.proxy.heal();
    let new = until_saved(&maker, version).await;
    maker.stop().await;
    assert!(folder.contains(&new.id.to_string()), "{folder} is not of {new:?}");
    assert_eq!(bed.written()[before.len()..], tried[..1], "only what was missing is sent");
    bed.boot().await;
    log::until(&[TAKEN_UP, &new.id.to_string()], 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_always_answered_by_503_leaves_the_older_snapshot_in_force_and_goes_up_later() {
    an_object_does_not_get_through(Fault::Status(503), "503 Service Unavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_always_cut_leaves_the_older_snapshot_in_force_and_goes_up_later() {
    an_object_does_not_get_through(Fault::CutUpload, "connection").await;
}
