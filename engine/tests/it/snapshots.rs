//! Starting from snapshots: what a process that stopped had in its indexes is there again without the documents being read, and what came since as well.

use std::time::Duration;

use coditect_engine::model::TextHash;
use coditect_engine::{EngineOptions, SnapshotOptions, UpkeepOptions};
use tempfile::TempDir;

use crate::answers::{TEXTS, expected, until_answers};
use crate::harness::{Rig, WAIT, bucket_at, docs, embedder, everything, id, query_of, tenant_id, until_saved};
use crate::upkeep::{count, is_in};

fn options(bucket: &TempDir) -> EngineOptions {
    let snapshots = SnapshotOptions { interval: Duration::ZERO, ..SnapshotOptions::new(bucket_at(bucket.path())) };
    let pause = Duration::from_millis(20);
    let upkeep = UpkeepOptions {
        log_retention: Duration::ZERO,
        trim_interval: pause,
        snapshot_look: pause,
        ..UpkeepOptions::default()
    };
    EngineOptions { snapshots: Some(snapshots), upkeep, ..EngineOptions::default() }
}

/// Whether the indexes hold a passage, wherever they have it from.
fn is_indexed(rig: &Rig, text: &str) -> bool {
    let hash = TextHash::of(text);
    rig.tenant("t").known_embedding(&docs(), &embedder().id, hash, hash).is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_starts_takes_up_a_snapshot_and_what_came_since() {
    let bucket = tempfile::tempdir().unwrap();
    let rig = Rig::with(options(&bucket)).await;
    rig.put("a", &TEXTS).await;
    rig.put("b", &TEXTS[..2]).await;
    let last = rig.put("only in the snapshot", &["nobody else says this"]).await;
    until_saved(&rig.engine, last.version).await;
    rig.engine.stop().await;

    // What is gone from the store can only come from a snapshot.
    let lost: Vec<Vec<u8>> = everything(&rig.store)
        .await
        .into_iter()
        .filter(|(key, value)| {
            is_in(key, "p")
                && value.windows(6).any(|six| six == b"nobody")
                && value.windows(4).any(|four| four == b"else")
        })
        .map(|(key, _)| coditect_store::tuple::pack(&key))
        .collect();
    assert_eq!(lost.len(), 1);
    rig.store
        .run(|tx| {
            let lost = lost.clone();
            async move {
                lost.iter().for_each(|key| tx.clear(key));
                Ok::<_, coditect_store::Error>(())
            }
        })
        .await
        .unwrap();
    let rig = rig.restart().await;
    assert!(is_indexed(&rig, "nobody else says this"), "it was built from the documents");

    rig.tenant("t").delete(&docs(), &id("only in the snapshot")).await.unwrap();
    rig.tenant("t").delete(&docs(), &id("b")).await.unwrap();
    let last = rig.put("c", &["quick words that came later"]).await;
    rig.tenant("t").wait_for(last.version, WAIT).await.unwrap();
    let expected = expected(&rig.store, &tenant_id()).await;
    assert!(!expected.is_empty());
    let rig = rig.restart().await;
    until_answers(&rig.tenant("t"), &expected).await;
    assert!(!is_indexed(&rig, "nobody else says this"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_snapshot_that_is_whole_everything_is_built_from_the_documents() {
    let bucket = tempfile::tempdir().unwrap();
    let rig = Rig::with(options(&bucket)).await;
    rig.put("a", &TEXTS).await;
    rig.put("b", &TEXTS[..2]).await;
    let last = rig.put("a", &TEXTS[1..]).await;
    rig.tenant("t").wait_for(last.version, WAIT).await.unwrap();
    until_saved(&rig.engine, last.version).await;
    rig.engine.stop().await;
    for folder in walk(bucket.path()) {
        std::fs::write(folder, "no longer what it was").unwrap();
    }
    let expected = expected(&rig.store, &tenant_id()).await;
    let rig = rig.restart().await;
    until_answers(&rig.tenant("t"), &expected).await;
    rig.engine.stop().await;

    // Nor is a bucket that cannot be read a reason not to start.
    std::fs::remove_dir_all(bucket.path()).unwrap();
    std::fs::write(bucket.path(), "in the way").unwrap();
    let rig = rig.restart().await;
    until_answers(&rig.tenant("t"), &expected).await;
    std::fs::remove_file(bucket.path()).unwrap();
    std::fs::create_dir(bucket.path()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_kept_for_snapshots_and_trimmed_behind_them() {
    let bucket = tempfile::tempdir().unwrap();
    let rig = Rig::with(options(&bucket)).await;
    let mut last = rig.put("a", &["round 0"]).await;
    for round in 1..20 {
        last = rig.put("a", &[&format!("round {round}")]).await;
    }
    until_saved(&rig.engine, last.version).await;
    // Then the older of two has all of these.
    let last = rig.put("b", &["one more"]).await;
    until_saved(&rig.engine, last.version).await;
    let deadline = tokio::time::Instant::now() + WAIT;
    while count(&rig.store, "log").await > 1 {
        assert!(tokio::time::Instant::now() < deadline, "{} entries are left", count(&rig.store, "log").await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rig = rig.restart().await;
    let found = rig.tenant("t").search(query_of("round 19")).await.unwrap();
    assert_eq!(found.results[0].passage.text, "round 19");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
