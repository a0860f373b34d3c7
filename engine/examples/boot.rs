//! How fast passages go into the store, and how long a process takes that starts over them: from the documents, and from a snapshot.
//!
//!     cargo run --release -p coditect-engine --example boot -- [passages]
//!
//! Vectors are given, of 384 dimensions and with a low intrinsic one; texts have 120 words of a skewed vocabulary. Everything is on the embedded store, or, built with the feature
//! `fdb`, on the cluster or the stand-in that `FDB_CLUSTER_FILE` or `FDB_CLUSTER_STRING` names, under a root of its own that is cleared at the end. The bucket is a folder.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]
#![allow(clippy::unwrap_used, reason = "a failure of the measurement ends it")]

use std::path::Path;
use std::time::{Duration, Instant};

use coditect_engine::model::{
    CollectionName, CollectionSpec, DocumentId, EmbedderInfo, NewDocument, NewPassage, PassageLocation, SearchSettings,
    TenantId, TextHash, Version,
};
use coditect_engine::vector::Quantization;
use coditect_engine::{Bucket, Engine, EngineOptions, SnapshotOptions, UpkeepOptions};
#[cfg(feature = "fdb")]
use coditect_store::tuple::Subspace;
use coditect_store::{Clock, Store};
use futures::StreamExt as _;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The server's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const DIMENSION: usize = 384;
const INTRINSIC: usize = 16;
const DOCUMENT: usize = 50;
const WORDS: usize = 120;
const WRITERS: usize = 8;
const WAIT: Duration = Duration::from_secs(3_600);

#[tokio::main]
async fn main() {
    let passages: usize = std::env::args().nth(1).map_or(100_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (store, engine) = start(folder.path(), None).await;
    let documents = documents(passages);

    let began = Instant::now();
    let last = write(&engine, documents).await;
    let durable = began.elapsed();
    engine.tenant(&tenant()).wait_for(last, WAIT).await.unwrap();
    let visible = began.elapsed();
    println!("durable: {:.0} passages/s; visible: {:.0} passages/s", rate(passages, durable), rate(passages, visible));
    stop(store, engine).await;

    let (rebuilt, store, engine) = boot(folder.path(), None).await;
    println!("start from the documents: {:.2} s", rebuilt.as_secs_f64());
    stop(store, engine).await;

    let bucket = Bucket::open(&format!("file://{}/bucket", folder.path().display()), []).unwrap();
    let (store, engine) = start(folder.path(), Some(bucket.clone())).await;
    let began = Instant::now();
    while engine.snapshots().await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let snapshot = engine.snapshots().await.unwrap().remove(0);
    println!("snapshot: {:.2} s, {} bytes a passage", began.elapsed().as_secs_f64(), snapshot.bytes / passages as u64);
    stop(store, engine).await;

    let (loaded, store, engine) = boot(folder.path(), Some(bucket)).await;
    println!("start from the snapshot: {:.2} s", loaded.as_secs_f64());
    println!("boot: {:.1} times as fast from a snapshot", rebuilt.as_secs_f64() / loaded.as_secs_f64());
    #[cfg(feature = "fdb")]
    clear(&store, &root(folder.path())).await;
    stop(store, engine).await;
    #[cfg(feature = "fdb")]
    coditect_store::stop_fdb_network().unwrap();
}

#[cfg(feature = "fdb")]
async fn clear(store: &Store, root: &str) {
    let (begin, end) = &Subspace::all().subspace(&root).range();
    let cleared = store.run(|tx| async move {
        tx.clear_range(begin, end);
        Ok::<_, coditect_store::Error>(())
    });
    cleared.await.unwrap();
}

fn tenant() -> TenantId {
    TenantId::new("boot").unwrap()
}

fn rate(passages: usize, time: Duration) -> f64 {
    passages as f64 / time.as_secs_f64()
}

/// The store of this run.
#[cfg(feature = "fdb")]
async fn open(_: &Path) -> Store {
    Store::open_fdb(coditect_store::FdbOptions::from_env().unwrap()).await.unwrap()
}

/// The store of this run.
#[cfg(not(feature = "fdb"))]
async fn open(folder: &Path) -> Store {
    Store::open_embedded(coditect_store::EmbeddedOptions::new(folder.join("store"))).await.unwrap()
}

/// What the keys of this run begin with.
fn root(folder: &Path) -> String {
    folder.file_name().unwrap().to_string_lossy().into_owned()
}

async fn start(folder: &Path, bucket: Option<Bucket>) -> (Store, Engine) {
    let store = open(folder).await;
    let upkeep = UpkeepOptions { snapshot_look: Duration::from_millis(100), ..UpkeepOptions::default() };
    let snapshots = bucket.map(SnapshotOptions::new);
    let options =
        EngineOptions { root: root(folder), scratch: folder.to_owned(), upkeep, snapshots, ..EngineOptions::default() };
    let engine = Engine::start(store.clone(), Clock::system(), &options);
    engine.ready(WAIT).await.unwrap();
    (store, engine)
}

/// The time from the opened store to indexes that show everything.
async fn boot(folder: &Path, bucket: Option<Bucket>) -> (Duration, Store, Engine) {
    let store = open(folder).await;
    let snapshots = bucket.map(SnapshotOptions::new);
    let options =
        EngineOptions { root: root(folder), scratch: folder.to_owned(), snapshots, ..EngineOptions::default() };
    let began = Instant::now();
    let engine = Engine::start(store.clone(), Clock::system(), &options);
    engine.ready(WAIT).await.unwrap();
    (began.elapsed(), store, engine)
}

async fn stop(store: Store, engine: Engine) {
    engine.stop().await;
    drop(engine);
    store.close().await.unwrap();
}

/// Writes all documents, some at a time; answers the newest version.
async fn write(engine: &Engine, documents: Vec<NewDocument>) -> Version {
    let tenant = engine.tenant(&tenant());
    let embedder = EmbedderInfo { id: "made".into(), model: "made".into(), dimension: DIMENSION as u32 };
    let (quantization, search) = (Quantization::default(), SearchSettings::default());
    let spec = CollectionSpec { embedder, tokens: None, quantization, search, description: String::new() };
    let name = CollectionName::new("boot").unwrap();
    let (tenant, spec, name) = (&tenant, &spec, &name);
    let writes = documents.into_iter().map(|document| async move { tenant.put(name, spec, document).await.unwrap() });
    let receipts: Vec<_> = futures::stream::iter(writes).buffer_unordered(WRITERS).collect().await;
    receipts.iter().map(|receipt| receipt.version).max().unwrap()
}

fn documents(passages: usize) -> Vec<NewDocument> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let basis: Vec<Vec<f32>> = (0..INTRINSIC).map(|_| normal(&mut rng, DIMENSION)).collect();
    (0..passages.div_ceil(DOCUMENT)).map(|number| document(number, &basis, &mut rng)).collect()
}

fn normal(rng: &mut ChaCha8Rng, length: usize) -> Vec<f32> {
    let uniform = |rng: &mut ChaCha8Rng| (0..6).map(|_| rng.random::<f32>() - 0.5).sum::<f32>();
    (0..length).map(|_| uniform(rng)).collect()
}

fn document(number: usize, basis: &[Vec<f32>], rng: &mut ChaCha8Rng) -> NewDocument {
    let passages = (0..DOCUMENT).map(|_| {
        let text = text(rng);
        let mut vector = normal(rng, DIMENSION).iter().map(|x| 0.1 * x).collect::<Vec<f32>>();
        for axis in basis {
            let along = rng.random::<f32>() - 0.5;
            vector.iter_mut().zip(axis).for_each(|(place, x)| *place += along * x);
        }
        NewPassage {
            index_text: text.clone(),
            location: PassageLocation { heading_path: Vec::new(), bytes: 0..1, lines: (1, 1) },
            embed_hash: TextHash::of(&text),
            text,
            vector,
            codes: None,
        }
    });
    let passages: Vec<NewPassage> = passages.collect();
    NewDocument {
        id: DocumentId::new(format!("document {number}")).unwrap(),
        kind: "documentation".into(),
        language: None,
        title: format!("Document {number}"),
        source: format!("{number}.md"),
        metadata: serde_json::Map::new(),
        content_hash: number.to_string(),
        text: passages.iter().map(|passage| passage.text.as_str()).collect(),
        passages,
    }
}

/// Words whose frequencies fall like those of a language.
fn text(rng: &mut ChaCha8Rng) -> String {
    let word = |rng: &mut ChaCha8Rng| format!("word{}", (1.0 / rng.random_range(0.00005_f32..1.0)) as u32);
    let words: Vec<String> = (0..WORDS).map(|_| word(rng)).collect();
    words.join(" ")
}
