//! Comparing store, log, indexes and bucket: nothing is reported of what is whole, and each kind of damage is.

use std::path::Path;
use std::time::Duration;

use coditect_engine::model::Version;
use coditect_engine::{Area, BackupOptions, Difference, EngineOptions, SnapshotOptions, UpkeepOptions, Verified};
use coditect_store::Store;
use coditect_store::tuple::{Element, pack};
use tempfile::TempDir;

use crate::answers::TEXTS;
use crate::harness::{Rig, WAIT, bucket_at, docs, document, everything, id, spec};
use crate::upkeep::is_in;

fn options(bucket: &Path) -> EngineOptions {
    let pause = Duration::from_millis(20);
    let upkeep = UpkeepOptions { backup_look: pause, snapshot_look: pause, ..UpkeepOptions::default() };
    let bucket = bucket_at(bucket);
    EngineOptions {
        backup: Some(BackupOptions::new(bucket.clone())),
        snapshots: Some(SnapshotOptions { interval: Duration::ZERO, ..SnapshotOptions::new(bucket) }),
        upkeep,
        ..EngineOptions::default()
    }
}

/// A store with a backup and a snapshot of all that is in it.
async fn whole(bucket: &Path) -> Rig {
    let rig = Rig::with(options(bucket)).await;
    rig.put("a", &TEXTS).await;
    rig.put("deleted", &["gone"]).await;
    rig.tenant("t").delete(&docs(), &id("deleted")).await.unwrap();
    rig.tenant("other").put(&docs(), &spec(), document("a", &["of another"])).await.unwrap();
    let last = rig.put("b", &TEXTS[..2]).await.version;
    until_quiet(&rig, last).await;
    rig
}

async fn until_quiet(rig: &Rig, version: Version) {
    let deadline = tokio::time::Instant::now() + WAIT;
    loop {
        let kept = rig.engine.backup().await.unwrap().and_then(|backup| backup.through);
        let saved = rig.engine.snapshots().await.unwrap().iter().any(|snapshot| snapshot.version >= version);
        if kept >= Some(version) && saved {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "backup {kept:?}, snapshot {saved}, wanted {version}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn verified(rig: &Rig, bucket: &Path) -> Verified {
    rig.engine.verify(Some(&bucket_at(bucket)), |_| {}).await.unwrap()
}

/// What differs, but for the place of what has a random name.
fn said(verified: &Verified) -> Vec<String> {
    let line = |it: &Difference| format!("{} {}: {}", it.area, it.place, it.what);
    verified.differences.iter().map(line).collect()
}

/// The keys of a table whose values hold these bytes.
async fn keys_with(store: &Store, table: &str, bytes: &[u8]) -> Vec<Vec<Element<'static>>> {
    let holds = |value: &[u8]| value.windows(bytes.len()).any(|some| some == bytes);
    let all = everything(store).await.into_iter();
    all.filter(|(key, value)| is_in(key, table) && holds(value)).map(|(key, _)| key).collect()
}

async fn change(store: &Store, key: &[Element<'static>], value: Option<&[u8]>) {
    let key = &pack(&key.to_vec());
    let changed = store.run(|tx| async move {
        match value {
            Some(value) => tx.set(key, value),
            None => tx.clear(key),
        }
        Ok::<_, coditect_store::Error>(())
    });
    changed.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_whole_has_no_differences() {
    let bucket = TempDir::new().unwrap();
    let rig = whole(bucket.path()).await;
    let verified = verified(&rig, bucket.path()).await;
    assert_eq!(said(&verified), Vec::<String>::new());
    assert_eq!((verified.collections, verified.documents, verified.passages), (2, 3, 7));
    assert_eq!((verified.log_entries, verified.backup_objects), (7, 3));
    assert!(verified.snapshot_objects >= 8, "{verified:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_written_to_has_no_differences() {
    let bucket = TempDir::new().unwrap();
    let rig = whole(bucket.path()).await;
    let tenant = rig.tenant("t");
    let writing = tokio::spawn(async move {
        for round in 0.. {
            let text = format!("state {round} of what changes all the time");
            for name in ["a", "x", "y"] {
                tenant.put(&docs(), &spec(), document(name, &[&text, TEXTS[0]])).await.unwrap();
            }
            tenant.delete(&docs(), &id("x")).await.unwrap();
        }
    });
    for _ in 0..5 {
        let verified = verified(&rig, bucket.path()).await;
        assert_eq!(said(&verified), Vec::<String>::new());
    }
    writing.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_damage_is_reported() {
    let bucket = TempDir::new().unwrap();
    let rig = whole(bucket.path()).await;
    // A passage that the index has and the store has lost.
    let lost = keys_with(&rig.store, "p", TEXTS[3].as_bytes()).await;
    change(&rig.store, &lost[0], None).await;
    // A record that nothing counted and nothing told of.
    let mut stranger = keys_with(&rig.store, "d", b"Title of b").await.remove(0);
    let value = everything(&rig.store).await.into_iter().find(|(key, _)| *key == stranger).unwrap().1;
    *stranger.last_mut().unwrap() = Element::String("stranger".into());
    change(&rig.store, &stranger, Some(&value)).await;
    // A generation of nobody.
    let mut orphan = keys_with(&rig.store, "p", b"of another").await.remove(0);
    orphan[5] = Element::Uuid(uuid::Uuid::from_u128(7));
    change(&rig.store, &orphan, Some(b"anything")).await;
    // Objects that are missing, damaged, and of nobody.
    let of_other = bucket.path().join("docs/other/docs/a.json");
    std::fs::copy(&of_other, bucket.path().join("docs/other/docs/extra.json")).unwrap();
    std::fs::write(&of_other, "damaged").unwrap();
    std::fs::remove_file(bucket.path().join("docs/t/docs/b.json")).unwrap();
    let all = rig.engine.snapshots().await.unwrap();
    let part = all.iter().max_by_key(|snapshot| snapshot.version).unwrap();
    let folder = std::fs::read_dir(bucket.path().join("snapshots")).unwrap().map(|entry| entry.unwrap().path());
    let folder = folder.map(|it| it.join(part.id.to_string())).find(|it| it.exists()).unwrap();
    std::fs::write(folder.join("documents.00000"), "damaged").unwrap();

    let verified = verified(&rig, bucket.path()).await;
    let said = said(&verified);
    let expected: [(Area, &str, &str); 9] = [
        (Area::Store, "t/docs/a", "fewer passages than its record says"),
        (Area::Store, "t/docs:", "counted are 2 documents and 6 passages, there are 3 documents and 8 passages"),
        (Area::Store, "other/docs", "generation 00000000-0000-0000-0000-000000000007 belongs to no document"),
        (Area::Index, "t/docs/stranger", "not indexed"),
        (Area::Backup, "t/docs/b", "not in the bucket"),
        (Area::Backup, "t/docs/stranger", "not in the bucket"),
        (Area::Backup, "other/docs/a", "damaged"),
        (Area::Backup, "docs/other/docs/extra.json", "not in the store"),
        (Area::Snapshot, "documents.00000", "bytes"),
    ];
    for (area, place, what) in expected {
        let is_said =
            |line: &&String| line.starts_with(&area.to_string()) && line.contains(place) && line.contains(what);
        assert!(said.iter().any(|line| is_said(&line)), "{area} {place} {what} is missing in {said:#?}");
    }
    assert!(said.iter().any(|line| line.starts_with("log t/docs/stranger")), "{said:#?}");
    assert_eq!(said.len(), 10, "{said:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_the_log_tells_of_is_missed() {
    let rig = Rig::new().await;
    rig.put("a", &TEXTS).await;
    let last = rig.put("b", &TEXTS).await.version;
    rig.tenant("t").wait_for(last, WAIT).await.unwrap();
    let head = keys_with(&rig.store, "d", b"Title of b").await.remove(0);
    change(&rig.store, &head, None).await;
    let verified = rig.engine.verify(None, |_| {}).await.unwrap();
    let said = said(&verified).join("\n");
    assert!(said.contains("store t/docs/b: it was written at"), "{said}");
    assert!(said.contains("index t/docs/b: it is indexed, and not in the store"), "{said}");
    assert!(said.contains("counted are 2 documents"), "{said}");
    assert!(said.contains("belongs to no document"), "{said}");
}
