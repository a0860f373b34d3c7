//! Snapshots of a running engine: made, damaged, interrupted, outgrown.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use coditect_store::{Clock, EmbeddedOptions, Lease, Store, Term};
use tempfile::TempDir;
use url::Url;

use super::manifest::{self, Manifest};
use super::{SnapshotOptions, Snapshots, log_needed_behind, newest};
use crate::bucket::Bucket;
use crate::documents::Context;
use crate::index::CollectionIndex;
use crate::model::{
    CollectionName, CollectionSpec, DocumentId, EmbedderInfo, NewDocument, NewPassage, PassageLocation, SearchSettings,
    TenantId, TextHash, TokenCodes, Version,
};
use crate::vector::{Quantization, VectorQuery};
use crate::{Engine, EngineOptions, ErrorKind, Tenant};

const WAIT: Duration = Duration::from_secs(30);
const DIMENSION: usize = 8;
/// Enough for a graph.
const PASSAGES: usize = 300;

struct Bed {
    engine: Engine,
    snapshots: Snapshots,
    term: Term,
    dir: TempDir,
}

fn name() -> CollectionName {
    CollectionName::new("docs").unwrap()
}

fn model() -> EmbedderInfo {
    EmbedderInfo { id: "e".into(), model: "m".into(), dimension: DIMENSION as u32 }
}

fn spec() -> CollectionSpec {
    CollectionSpec {
        embedder: model(),
        tokens: Some(model()),
        description: String::new(),
        quantization: Quantization::default(),
        search: SearchSettings::default(),
    }
}

fn vector(seed: usize) -> Vec<f32> {
    (0..DIMENSION).map(|i| ((seed as f32 + 1.0) * (i as f32 + 1.3) * 0.37).sin()).collect()
}

fn document(id: &str, passages: usize, seed: usize) -> NewDocument {
    let passage = |number: usize| {
        let text = format!("passage {number} of {id} in state {seed}");
        NewPassage {
            index_text: text.clone(),
            location: PassageLocation { heading_path: Vec::new(), bytes: 0..1, lines: (1, 2) },
            embed_hash: TextHash::of(&text),
            vector: vector(number * 31 + seed),
            codes: TokenCodes::new(&[number as u32, 7], &[0, 3], &[1, 2, 3, 4]),
            text,
        }
    };
    NewDocument {
        id: DocumentId::new(id).unwrap(),
        kind: "documentation".into(),
        language: None,
        title: id.into(),
        source: id.into(),
        metadata: serde_json::Map::from_iter([("state".into(), seed.into())]),
        content_hash: format!("{id} {seed}"),
        text: format!("{id} {seed}"),
        passages: (0..passages).map(passage).collect(),
    }
}

impl Bed {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(EmbeddedOptions::new(dir.path().join("store"))).await.unwrap();
        let scratch = dir.path().join("scratch");
        std::fs::create_dir(&scratch).unwrap();
        let options = EngineOptions { scratch, ..EngineOptions::default() };
        let engine = Engine::start(store.clone(), Clock::system(), &options);
        engine.ready(WAIT).await.unwrap();
        let url = Url::from_directory_path(dir.path().join("bucket")).unwrap();
        let bucket = Bucket::open(url.as_str(), []).unwrap();
        let options = SnapshotOptions { interval: Duration::ZERO, ..SnapshotOptions::new(bucket) };
        let snapshots = Snapshots::new(options, engine.indexes().clone(), engine.applied());
        let term = Lease::new(store, b"lease".to_vec(), WAIT).hold().await.unwrap().unwrap();
        Self { engine, snapshots, term, dir }
    }

    fn tenant(&self) -> Tenant {
        self.engine.tenant(&TenantId::new("t").unwrap())
    }

    fn context(&self) -> &Context {
        self.engine.context()
    }

    fn index(&self) -> Arc<CollectionIndex> {
        self.engine.indexes().get(&TenantId::new("t").unwrap(), &name()).unwrap()
    }

    /// Writes a document and waits until it is visible.
    async fn put(&self, id: &str, passages: usize, seed: usize) -> Version {
        let receipt = self.tenant().put(&name(), &spec(), document(id, passages, seed)).await.unwrap();
        self.tenant().wait_for(receipt.version, WAIT).await.unwrap();
        receipt.version
    }

    /// Writes a key of the store past the engine, or takes it away.
    async fn write(&self, key: &[u8], value: Option<&[u8]>) {
        let write = |tx: coditect_store::Transaction| async move {
            match value {
                Some(value) => tx.set(key, value),
                None => tx.clear(key),
            }
            Ok::<_, coditect_store::Error>(())
        };
        self.context().store.run(write).await.unwrap();
    }

    async fn round(&self) -> usize {
        self.snapshots.round(self.context(), &self.term).await.unwrap()
    }

    async fn manifests(&self) -> Vec<Manifest> {
        manifest::of(self.context(), self.index().id).await.unwrap()
    }

    async fn newest(&self) -> Option<(CollectionIndex, Version)> {
        newest(self.context(), &self.snapshots.options.bucket, &self.index().head).await.unwrap()
    }

    /// The objects of a snapshot.
    fn objects(&self, manifest: &Manifest) -> Vec<PathBuf> {
        let folder = self.dir.path().join("bucket").join(manifest.folder());
        let mut objects: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        objects.sort();
        objects
    }
}

/// All that is known of a collection's slots, and what searches of each sort find.
fn content(index: &CollectionIndex) -> (Vec<String>, Vec<Vec<(u32, f32)>>) {
    let view = index.view();
    let slots = view.live.iter().map(|slot| {
        let entry = index.entry(slot).unwrap();
        let codes = index.tokens().get(slot);
        let copies = index.copies(&view, entry.text_hash).len();
        format!("{slot} {entry:?} {codes:?} {copies} {:?}", index.vectors().get(slot))
    });
    let searches = (0..20).map(|seed| {
        let how = VectorQuery { allowed: Some(&view.live), ..VectorQuery::default() };
        let hits = index.vectors().search(&vector(seed), 5, &how).unwrap();
        let words = index.keywords().search(&format!("passage {seed}"), 5, Some(&view.live)).unwrap();
        hits.iter().map(|hit| (hit.slot, hit.score)).chain(words.iter().map(|hit| (hit.slot, hit.score))).collect()
    });
    (slots.collect(), searches.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_answers_as_the_indexes_that_it_was_made_of_and_goes_on_from_there() {
    let bed = Bed::new().await;
    for number in 0..5 {
        bed.put(&format!("doc {number}"), PASSAGES, number).await;
    }
    bed.put("empty", 0, 1).await;
    bed.put("doc 1", PASSAGES, 77).await;
    bed.tenant().delete(&name(), &DocumentId::new("doc 2").unwrap()).await.unwrap();
    let last = bed.put("doc 3", 10, 78).await;
    assert!(bed.snapshots.is_due(bed.context()).await.unwrap());
    assert_eq!(bed.round().await, 1);
    let (index, through) = bed.newest().await.unwrap();
    assert!(through >= last && index.view().version >= last);
    assert_eq!(content(&index), content(&bed.index()));
    assert_eq!(index.view().live.len() as usize, 3 * PASSAGES + 10);
    assert_eq!(bed.round().await, 0, "nothing has changed");
    assert!(!bed.snapshots.is_due(bed.context()).await.unwrap());

    // The same changes make the same of both.
    let (index, live) = (Arc::new(index), bed.index());
    bed.put("doc 4", PASSAGES, 79).await;
    bed.put("empty", 3, 2).await;
    let tenant = TenantId::new("t").unwrap();
    let changed = ["doc 4", "empty", "doc 0"].map(|id| DocumentId::new(id).unwrap());
    let loaded = crate::index::load_documents(bed.context(), &tenant, &index, changed.to_vec()).await.unwrap();
    let version = live.view().version;
    tokio::task::spawn_blocking({
        let index = index.clone();
        move || index.apply(loaded, version)
    })
    .await
    .unwrap()
    .unwrap();
    let texts = |index: &CollectionIndex| {
        let mut texts: Vec<String> = index
            .view()
            .live
            .iter()
            .map(|slot| index.entry(slot).unwrap())
            .map(|entry| format!("{} {} {:?}", entry.document.id, entry.ordinal, entry.text_hash))
            .collect();
        texts.sort();
        texts
    };
    assert_eq!(texts(&index), texts(&live));
    bed.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_snapshot_leaves_the_older_one_in_force() {
    let bed = Bed::new().await;
    bed.put("doc", PASSAGES, 1).await;
    bed.round().await;
    bed.put("doc", PASSAGES, 2).await;
    bed.round().await;
    let manifests = bed.manifests().await;
    let [old, new] = &manifests[..] else { panic!("{manifests:?}") };
    assert_eq!(bed.newest().await.unwrap().1, new.through);
    for object in bed.objects(new) {
        let whole = std::fs::read(&object).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        for damaged in [Some(&flipped[..]), Some(&whole[..whole.len() - 1]), Some(&[]), None] {
            match damaged {
                Some(bytes) => std::fs::write(&object, bytes).unwrap(),
                None => std::fs::remove_file(&object).unwrap(),
            }
            let (index, through) = bed.newest().await.unwrap();
            assert_eq!((through, index.view().version), (old.through, old.version), "{}", object.display());
        }
        std::fs::write(&object, whole).unwrap();
    }
    assert_eq!(bed.newest().await.unwrap().1, new.through);

    // Another version's is passed over, and none is left when the older one is damaged too.
    manifest::put(bed.context(), &bed.term, &Manifest { format: 99, ..new.clone() }).await.unwrap();
    assert_eq!(bed.newest().await.unwrap().1, old.through);
    std::fs::remove_file(&bed.objects(old)[0]).unwrap();
    assert!(bed.newest().await.is_none());
    assert_eq!(std::fs::read_dir(bed.dir.path().join("scratch")).unwrap().count(), 0, "nothing is left behind");

    // A bucket that cannot be read at all says nothing of its snapshots.
    let folder = bed.dir.path().join("bucket");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    manifest::put(bed.context(), &bed.term, new).await.unwrap();
    let Err(error) = newest(bed.context(), &bed.snapshots.options.bucket, &bed.index().head).await else {
        panic!("the bucket is a file");
    };
    assert_eq!(*error.kind(), ErrorKind::Unavailable);
    bed.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_upload_goes_on_with_the_same_snapshot() {
    let bed = Bed::new().await;
    bed.put("doc", PASSAGES, 1).await;
    // A file where the bucket's folder should be: nothing can be written.
    let blocked = bed.dir.path().join("bucket");
    std::fs::write(&blocked, "in the way").unwrap();
    let error = bed.snapshots.round(bed.context(), &bed.term).await.unwrap_err().to_string();
    assert!(error.contains("snapshots/"), "{error}");
    assert!(bed.manifests().await.is_empty(), "what is not whole has no manifest");
    let unfinished: Vec<uuid::Uuid> = bed.snapshots.unfinished_ids();
    bed.put("doc", PASSAGES, 2).await;
    std::fs::remove_file(&blocked).unwrap();
    assert_eq!(bed.round().await, 1);
    let made = bed.manifests().await;
    assert_eq!(made.iter().map(|manifest| manifest.id).collect::<Vec<_>>(), unfinished);
    assert_eq!(bed.newest().await.unwrap().1, made[0].through);
    assert_eq!(bed.round().await, 1, "the change since gets one of its own");
    bed.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_are_kept_and_nothing_of_the_others() {
    let bed = Bed::new().await;
    for seed in 0..4 {
        bed.put("doc", 5, seed).await;
        assert_eq!(bed.round().await, 1);
    }
    let stray = bed.dir.path().join("bucket").join(manifest::folder_of(bed.index().id)).join("stray/vectors.00000");
    std::fs::create_dir_all(stray.parent().unwrap()).unwrap();
    std::fs::write(&stray, "of an upload that nobody finished").unwrap();
    // One whose manifest only a newer version can read.
    let newer = (bed.context().clock.uuid(), b"\x09newer");
    let key = &bed.context().keys.snapshots_of(bed.index().id).pack(&newer.0);
    let object = format!("{}/{}/vectors.00000", manifest::folder_of(bed.index().id), newer.0);
    bed.snapshots.options.bucket.put(&object, bytes::Bytes::from_static(b"of a newer version")).await.unwrap();
    bed.write(key, Some(newer.1)).await;
    bed.round().await;
    let kept = bed.manifests().await;
    assert_eq!(kept.len(), 2);
    assert!(!stray.exists());
    assert!(
        bed.snapshots.options.bucket.size(&object).await.unwrap().is_some(),
        "it is not this version's to take away"
    );
    bed.snapshots.options.bucket.delete(&object).await.unwrap();
    bed.write(key, None).await;
    let objects = bed.snapshots.options.bucket.list("snapshots").await.unwrap();
    assert!(objects.iter().all(|object| kept.iter().any(|manifest| object.starts_with(&manifest.folder()))));
    assert_eq!(log_needed_behind(bed.context()).await.unwrap(), kept.iter().map(|manifest| manifest.through).min());

    let version = bed.tenant().drop_collection(&name()).await.unwrap().unwrap();
    bed.tenant().wait_for(version, WAIT).await.unwrap();
    bed.round().await;
    assert!(manifest::all(bed.context()).await.unwrap().is_empty());
    assert!(bed.snapshots.options.bucket.list("snapshots").await.unwrap().is_empty());
    bed.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_the_lease_makes_no_snapshot() {
    let bed = Bed::new().await;
    bed.put("doc", 5, 1).await;
    let lost = bed.term.clone();
    bed.write(b"lease", None).await;
    assert!(bed.snapshots.round(bed.context(), &lost).await.is_err());
    assert!(bed.manifests().await.is_empty());
    bed.engine.stop().await;
}
