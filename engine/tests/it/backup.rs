//! The backup in a bucket, and stores that are made again from it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use coditect_engine::model::{CollectionChange, CollectionName, NewDocument, SearchChange, TenantId, Version};
use coditect_engine::search::Mode;
use coditect_engine::{
    BackupOptions, EngineOptions, ErrorKind, RestoreOptions, Restored, Tenant, UpkeepOptions, restore,
    unfinished_restore,
};
use coditect_store::Clock;
use tempfile::TempDir;

use crate::answers::{TEXTS, expected, until_answers};
use crate::harness::{Rig, WAIT, bucket_at, docs, document, everything, id, ids, open, spec, tenant_id};

fn options(bucket: &Path) -> EngineOptions {
    let pause = Duration::from_millis(20);
    let upkeep = UpkeepOptions { backup_look: pause, cleanup_interval: pause, ..UpkeepOptions::default() };
    EngineOptions { backup: Some(BackupOptions::new(bucket_at(bucket))), upkeep, ..EngineOptions::default() }
}

/// Waits until the backup has everything up to `version`.
async fn until_kept(rig: &Rig, version: Version) {
    let deadline = tokio::time::Instant::now() + WAIT;
    loop {
        let through = rig.engine.backup().await.unwrap().and_then(|backup| backup.through);
        if through.is_some_and(|through| through >= version) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{through:?} is kept, {version} is not");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Restores into a new store.
async fn restored(bucket: &Path, options: &RestoreOptions) -> (TempDir, coditect_engine::Result<Restored>) {
    let dir = TempDir::new().unwrap();
    let done = restored_into(dir.path(), bucket, options).await;
    (dir, done)
}

async fn restored_into(dir: &Path, bucket: &Path, options: &RestoreOptions) -> coditect_engine::Result<Restored> {
    let store = open(dir).await;
    let root = EngineOptions::default().root;
    let done = restore(&store, &Clock::system(), &root, &bucket_at(bucket), options, |_| {}).await;
    store.close().await.unwrap();
    done
}

/// Everything that a reader sees of documents.
async fn documents(tenant: &Tenant, names: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for name in names {
        let Some((stored, text, passages)) = tenant.document_with_text(&docs(), &id(name)).await.unwrap() else {
            all.push(format!("{name} is not there"));
            continue;
        };
        let mut head = stored.head.clone();
        head.generation = serde_json::from_str(r#""00000000-0000-0000-0000-000000000000""#).unwrap();
        let contents = blake3::hash(format!("{text} {passages:?}").as_bytes()).to_hex();
        all.push(format!("{head:?} {} {contents}", stored.version));
    }
    all
}

fn odd_document() -> NewDocument {
    let metadata = serde_json::json!({"number": 0.1, "large": u64::MAX, "deep": [{"ü": null}], "text": "\u{1f600}\n"});
    NewDocument {
        language: Some("rust".into()),
        metadata: metadata.as_object().unwrap().clone(),
        ..document("odd.json/../ü 100%", &TEXTS[2..])
    }
}

/// A document that takes several transactions.
fn large_document() -> NewDocument {
    let paragraphs: Vec<String> = (0..400).map(|n| format!("paragraph {n} {}", "with words ".repeat(300))).collect();
    document("large", &paragraphs.iter().map(String::as_str).collect::<Vec<_>>())
}

const NAMES: [&str; 5] = ["guide/a.md", "b", "odd.json/../ü 100%", "large", "deleted"];

async fn fill(rig: &Rig) -> Version {
    let tenant = rig.tenant("t");
    rig.put("guide/a.md", &TEXTS[1..]).await;
    rig.put("b", &TEXTS[..2]).await;
    rig.put("deleted", &["what is not to come back"]).await;
    tenant.put(&docs(), &spec(), odd_document()).await.unwrap();
    tenant.put(&docs(), &spec(), large_document()).await.unwrap();
    tenant.delete(&docs(), &id("deleted")).await.unwrap();
    let gone = CollectionName::new("gone").unwrap();
    tenant.put(&gone, &spec(), document("b", &["of a collection that is dropped"])).await.unwrap();
    tenant.drop_collection(&gone).await.unwrap();
    let search = SearchChange { ef_min: Some(Some(77)), ..SearchChange::default() };
    let change = CollectionChange { description: Some("kept".into()), search };
    tenant.alter_collection(&docs(), &change).await.unwrap();
    rig.tenant("other").put(&docs(), &spec(), document("b", &["of another tenant"])).await.unwrap();
    rig.put("guide/a.md", &TEXTS).await.version
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_store_is_made_again_from_its_backup() {
    let bucket = TempDir::new().unwrap();
    let rig = Rig::with(options(bucket.path())).await;
    let last = fill(&rig).await;
    rig.tenant("t").wait_for(last, WAIT).await.unwrap();
    until_kept(&rig, last).await;
    let other = TenantId::new("other").unwrap();
    let before = documents(&rig.tenant("t"), &NAMES).await;
    let answers = [expected(&rig.store, &tenant_id()).await, expected(&rig.store, &other).await];
    let info = rig.tenant("t").collection(&docs()).await.unwrap();
    assert!(!answers[0].is_empty() && before[4].contains("not there"));
    drop(rig.stop().await);

    let take_over = RestoreOptions { take_over: true, ..RestoreOptions::default() };
    let (dir, done) = restored(bucket.path(), &take_over).await;
    let done = done.unwrap();
    assert_eq!((done.collections, done.documents, done.passages), (2, 5, 4 + 2 + 2 + 400 + 1));
    assert_eq!((&done.failures, done.version), (&Vec::new(), last));
    let rig = Rig::on(dir, options(bucket.path())).await;
    assert_eq!(documents(&rig.tenant("t"), &NAMES).await, before);
    until_answers(&rig.tenant("t"), &answers[0]).await;
    until_answers(&rig.tenant("other"), &answers[1]).await;
    let again = rig.tenant("t").collection(&docs()).await.unwrap();
    assert_eq!(
        (again.documents, again.passages, again.created_at, again.description, again.search.settings),
        (info.documents, info.passages, info.created_at, info.description, info.search.settings)
    );

    // Its versions go on, and so does its backup, in the same bucket.
    let found = rig.find("lazy dog", Mode::Keyword, last).await;
    assert!(!found.results.is_empty());
    let receipt = rig.put("b", &["what came after the restore"]).await;
    assert!(receipt.version > last);
    assert_eq!(ids(&rig.find("after the restore", Mode::Keyword, receipt.version).await), ["b"]);
    until_kept(&rig, receipt.version).await;
    let kept = std::fs::read_to_string(bucket.path().join("docs/t/docs/b.json")).unwrap();
    assert!(kept.contains("what came after the restore") && kept.contains(&receipt.version.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn earlier_states_are_restored_by_their_version() {
    let bucket = TempDir::new().unwrap();
    let rig = Rig::with(options(bucket.path())).await;
    let first = rig.put("a", &["the first state"]).await.version;
    let both = rig.put("b", &["was there for a while"]).await.version;
    until_kept(&rig, both).await;
    let second = rig.put("a", &["the second state"]).await.version;
    until_kept(&rig, second).await;
    let (_, deleted) = rig.tenant("t").delete(&docs(), &id("b")).await.unwrap();
    until_kept(&rig, deleted).await;
    let again = rig.put("b", &["came back"]).await.version;
    until_kept(&rig, again).await;
    let dropped = rig.tenant("t").drop_collection(&docs()).await.unwrap().unwrap();
    until_kept(&rig, dropped).await;
    rig.stop().await;

    let (a, b) = ("the first state", "was there for a while");
    let expected: [(Version, &[(&str, &str)]); 5] = [
        (first, &[("a", a)]),
        (both, &[("a", a), ("b", b)]),
        (second, &[("a", "the second state"), ("b", b)]),
        (deleted, &[("a", "the second state")]),
        (again, &[("a", "the second state"), ("b", "came back")]),
    ];
    for (at, there) in expected {
        let (dir, done) = restored(bucket.path(), &RestoreOptions { at: Some(at), ..RestoreOptions::default() }).await;
        assert_eq!(done.unwrap().documents, there.len(), "at {at}");
        let rig = Rig::on(dir, EngineOptions::default()).await;
        for (name, text) in there {
            let (_, found, _) = rig.tenant("t").document_with_text(&docs(), &id(name)).await.unwrap().unwrap();
            assert_eq!(found, *text, "{name} at {at}");
        }
    }
    let (_, done) = restored(bucket.path(), &RestoreOptions::default()).await;
    let error = done.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotFound, "the newest state is that everything is gone: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_written_over_only_when_told_to() {
    let bucket = TempDir::new().unwrap();
    let rig = Rig::with(options(bucket.path())).await;
    let last = fill(&rig).await;
    until_kept(&rig, last).await;
    rig.stop().await;

    let dir = TempDir::new().unwrap();
    let rig = Rig::on(dir, EngineOptions::default()).await;
    rig.put("mine", &["of the store that is there"]).await;
    rig.tenant("untouched").put(&docs(), &spec(), document("x", &["stays"])).await.unwrap();
    let dir = rig.stop().await;
    let only = RestoreOptions { tenant: Some(tenant_id()), ..RestoreOptions::default() };
    let error = restored_into(dir.path(), bucket.path(), &only).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("t/docs"), "{error}");
    let nobody = RestoreOptions { tenant: Some(TenantId::new("nobody").unwrap()), ..RestoreOptions::default() };
    let error = restored_into(dir.path(), bucket.path(), &nobody).await.unwrap_err();
    assert!(error.to_string().contains("no backup of tenant nobody"), "{error}");

    let over = RestoreOptions { overwrite: true, ..only };
    assert_eq!(restored_into(dir.path(), bucket.path(), &over).await.unwrap().documents, 4);
    let rig = Rig::on(dir, EngineOptions::default()).await;
    assert_eq!(rig.tenant("t").document(&docs(), &id("mine")).await.unwrap().map(|it| it.id), None);
    assert!(rig.tenant("t").document(&docs(), &id("large")).await.unwrap().is_some());
    assert!(rig.tenant("untouched").document(&docs(), &id("x")).await.unwrap().is_some());
    assert!(rig.tenant("other").collection(&docs()).await.is_err(), "another tenant was not asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_objects_are_named_and_an_interrupted_restore_goes_on() {
    let bucket = TempDir::new().unwrap();
    let rig = Rig::with(options(bucket.path())).await;
    let last = fill(&rig).await;
    until_kept(&rig, last).await;
    rig.stop().await;
    let object = bucket.path().join("docs/t/docs/b.json");
    let whole = std::fs::read_to_string(&object).unwrap();
    std::fs::write(&object, whole.replace("quick", "quack")).unwrap();
    let moved = bucket.path().join("docs/t/docs/moved.json");
    std::fs::copy(bucket.path().join("docs/t/docs/large.json"), &moved).unwrap();

    let (dir, done) = restored(bucket.path(), &RestoreOptions::default()).await;
    let done = done.unwrap();
    assert_eq!((done.documents, done.failures.len()), (4, 2));
    assert!(done.failures[0].contains("b.json") && done.failures[0].contains("BLAKE3"), "{:?}", done.failures);
    assert!(done.failures[1].contains("moved.json: it is of t/docs/large"), "{:?}", done.failures);
    drop(dir);

    // A bucket that goes away in the middle leaves a store that is known to be unfinished.
    std::fs::remove_file(&moved).unwrap();
    std::fs::write(&object, &whole).unwrap();
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    let root = EngineOptions::default().root;
    let interrupted = {
        let store = store.clone();
        let bucket = bucket_at(bucket.path());
        let (options, root) = (RestoreOptions::default(), root.clone());
        let running = tokio::spawn(async move {
            restore(&store, &Clock::system(), &root, &bucket, &options, |done| {
                assert!(done.documents < 2, "interrupted here");
            })
            .await
        });
        running.await
    };
    assert!(interrupted.is_err(), "it was to be interrupted");
    assert!(unfinished_restore(&store, &root).await.unwrap().is_some_and(|from| from.starts_with("file://")));
    let other = RestoreOptions { tenant: Some(tenant_id()), ..RestoreOptions::default() };
    let url = bucket_at(bucket.path());
    let error = restore(&store, &Clock::system(), &root, &url, &other, |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("was not finished"), "{error}");
    let done = restore(&store, &Clock::system(), &root, &url, &RestoreOptions::default(), |_| {}).await;
    assert_eq!(done.unwrap().documents, 5);
    assert_eq!(unfinished_restore(&store, &root).await.unwrap(), None);
    let heads = everything(&store).await;
    assert_eq!(heads.iter().filter(|(key, _)| crate::upkeep::is_in(key, "d")).count(), 5, "each is there once");
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_holds_another_stores_backup_is_left_alone() {
    let bucket = TempDir::new().unwrap();
    let rig = Rig::with(options(bucket.path())).await;
    let first = rig.put("a", &["of the first store"]).await.version;
    until_kept(&rig, first).await;
    let kept = files(bucket.path());

    let second = Rig::with(options(bucket.path())).await;
    second.put("a", &["of the second store"]).await;
    second.put("b", &["of the second store"]).await;
    // Long enough for many rounds.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(second.engine.backup().await.unwrap().unwrap().through, None);
    assert_eq!(files(bucket.path()), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_trimmed_log_no_longer_tells_is_found_by_comparing() {
    let bucket = TempDir::new().unwrap();
    let rig = Rig::with(options(bucket.path())).await;
    let kept = fill(&rig).await;
    until_kept(&rig, kept).await;
    let dir = rig.stop().await;
    let with_backup = files(bucket.path());

    // Without a bucket, and after more than any backup holds the log: what is deleted, replaced and damaged now, no entry tells of.
    let pause = Duration::from_millis(20);
    let upkeep = UpkeepOptions { log_retention: Duration::ZERO, trim_interval: pause, ..UpkeepOptions::default() };
    let rig = Rig::on(dir, EngineOptions { upkeep, ..EngineOptions::default() }).await;
    let held = crate::upkeep::count(&rig.store, "log").await;
    rig.tenant("t").delete(&docs(), &id("b")).await.unwrap();
    rig.tenant("other").drop_collection(&docs()).await.unwrap();
    rig.put("guide/a.md", &["replaced unseen"]).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(crate::upkeep::count(&rig.store, "log").await >= 3, "the backup holds the log, of {held}");
    let cut = coditect_store::tuple::pack(&("coditect", "log"));
    let (tail, trimmed) =
        (coditect_store::tuple::pack(&("coditect", "tail")), coditect_store::tuple::pack(&("coditect", "trimmed")));
    let cleared = rig.store.run(|tx| {
        let (cut, tail, trimmed) = (cut.clone(), tail.clone(), trimmed.clone());
        async move {
            let last = tx.get(&tail).await?.unwrap();
            tx.clear_range(&cut, &coditect_store::prefix_end(&cut));
            tx.set(&trimmed, &last);
            Ok::<_, coditect_store::Error>(())
        }
    });
    cleared.await.unwrap();
    std::fs::write(bucket.path().join("docs/t/docs/large.json"), "damaged").unwrap();
    let rig = Rig::on(rig.stop().await, options(bucket.path())).await;
    let last = rig.put("new", &["after that"]).await.version;
    until_kept(&rig, last).await;
    let now = files(bucket.path());
    let docs_now: Vec<_> = now.iter().filter(|path| path.starts_with("docs")).collect();
    assert_eq!(docs_now.len(), 4, "{docs_now:?} of {with_backup:?}");
    assert!(!bucket.path().join("collections/other/docs.json").exists());
    rig.stop().await;
    let (dir, done) = restored(bucket.path(), &RestoreOptions::default()).await;
    assert_eq!(done.as_ref().map(|done| (done.documents, done.failures.len())).unwrap(), (4, 0), "{done:?}");
    let rig = Rig::on(dir, EngineOptions::default()).await;
    let text = rig.tenant("t").document_with_text(&docs(), &id("guide/a.md")).await.unwrap().unwrap().1;
    assert_eq!(text, "replaced unseen");
}

/// The files below a folder, by their paths in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                all.push(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    all.sort();
    all
}
