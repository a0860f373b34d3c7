//! How many keys and bytes documents and passages take in the store, the change log, snapshots and the backup.
//!
//!     cargo run --release -p coditect-engine --example sizing -- [documents]
//!
//! Each document has ten passages of 900 bytes, with vectors of 384 dimensions and codes of 200 tokens, which is what the local model makes of a passage; each is written
//! twice. Everything is on the embedded store, and the bucket is a folder.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]
#![allow(clippy::unwrap_used, reason = "a failure of the measurement ends it")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use coditect_engine::model::{
    CollectionName, CollectionSpec, DocumentId, EmbedderInfo, NewDocument, NewPassage, PassageLocation, SearchSettings,
    TenantId, TextHash, TokenCodes, Version,
};
use coditect_engine::vector::Quantization;
use coditect_engine::{BackupOptions, Bucket, Engine, EngineOptions, SnapshotOptions, UpkeepOptions};
use coditect_store::tuple::{Element, unpack};
use coditect_store::{Clock, EmbeddedOptions, RangeQuery, Store, key_after};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DIMENSION: usize = 384;
const PASSAGES: usize = 10;
const TOKENS: usize = 200;
const TEXT: usize = 900;
const WAIT: Duration = Duration::from_secs(3_600);

#[tokio::main]
async fn main() {
    let documents: usize = std::env::args().nth(1).map_or(2_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let bucket = folder.path().join("bucket");
    let store = Store::open_embedded(EmbeddedOptions::new(folder.path().join("store"))).await.unwrap();
    let engine = Engine::start(store.clone(), Clock::system(), &options(folder.path(), &bucket));
    engine.ready(WAIT).await.unwrap();
    let last = write(&engine, documents).await;
    settle(&engine, &store, last).await;

    println!("{documents} documents of {PASSAGES} passages, each written twice\n");
    let per = |bytes: usize, of: usize| bytes as f64 / of as f64;
    println!("| In the store | keys | bytes |\n|---|---|---|");
    for (table, (keys, bytes)) in tables(&store).await {
        let (what, of) = match table.as_str() {
            "p" => ("passages, each", documents * PASSAGES),
            "k" => ("token codes, a passage", documents * PASSAGES),
            "s" => ("texts, a document", documents),
            "d" => ("records, a document", documents),
            "log" => ("change log, a write", 2 * documents),
            _ => continue,
        };
        println!("| {what} | {:.2} | {:.0} |", per(keys, of), per(bytes, of));
    }
    let snapshot = engine.snapshots().await.unwrap().pop().unwrap();
    println!("\nsnapshot: {:.0} bytes a passage", per(snapshot.bytes as usize, documents * PASSAGES));
    println!("backup: {:.0} bytes a document", per(size(&bucket.join("docs")), documents));
    println!(
        "history of the backup: {:.0} bytes a document that was replaced",
        per(size(&bucket.join("history")), documents)
    );
    println!("embedded file: {:.0} bytes a document", per(size(&folder.path().join("store")), documents));
    engine.stop().await;
    store.close().await.unwrap();
}

fn options(folder: &Path, bucket: &Path) -> EngineOptions {
    let bucket = Bucket::open(&format!("file://{}", bucket.display()), []).unwrap();
    let pause = Duration::from_millis(100);
    let upkeep = UpkeepOptions {
        retired_grace: Duration::ZERO,
        cleanup_interval: pause,
        snapshot_look: pause,
        backup_look: pause,
        ..UpkeepOptions::default()
    };
    let snapshots = SnapshotOptions { interval: Duration::ZERO, keep: 1, ..SnapshotOptions::new(bucket.clone()) };
    let backup = Some(BackupOptions::new(bucket));
    EngineOptions { scratch: folder.to_owned(), upkeep, snapshots: Some(snapshots), backup, ..EngineOptions::default() }
}

/// Writes all documents, waits until they are backed up, and writes them again.
async fn write(engine: &Engine, documents: usize) -> Version {
    let tenant = engine.tenant(&TenantId::new("sizing").unwrap());
    let name = CollectionName::new("sizing").unwrap();
    let model = EmbedderInfo { id: "made".into(), model: "made".into(), dimension: DIMENSION as u32 };
    let (quantization, search) = (Quantization::default(), SearchSettings::default());
    let spec = CollectionSpec {
        tokens: Some(model.clone()),
        embedder: model,
        quantization,
        search,
        description: String::new(),
    };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut last = Version::ZERO;
    for round in 0..2 {
        for number in 0..documents {
            let document = document(number, round, &mut rng);
            last = tenant.put(&name, &spec, document).await.unwrap().version;
        }
        until(|| async { engine.backup().await.unwrap().and_then(|it| it.through) >= Some(last) }).await;
    }
    tenant.wait_for(last, WAIT).await.unwrap();
    last
}

/// Waits until replaced generations are cleared, and a snapshot has everything.
async fn settle(engine: &Engine, store: &Store, last: Version) {
    until(|| async { !tables(store).await.contains_key("gc") }).await;
    until(|| async { engine.snapshots().await.unwrap().last().is_some_and(|snapshot| snapshot.version >= last) }).await;
}

async fn until<F: Future<Output = bool>>(mut is_so: impl FnMut() -> F) {
    while !is_so().await {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn document(number: usize, round: usize, rng: &mut ChaCha8Rng) -> NewDocument {
    let passages = (0..PASSAGES).map(|_| passage(rng));
    let passages: Vec<NewPassage> = passages.collect();
    NewDocument {
        id: DocumentId::new(format!("guide/part-{}/document-{number}.md", number % 10)).unwrap(),
        kind: "documentation".into(),
        language: None,
        title: format!("Document {number}"),
        source: format!("guide/part-{}/document-{number}.md", number % 10),
        metadata: serde_json::Map::new(),
        content_hash: blake3::hash(&[number.to_le_bytes(), round.to_le_bytes()].concat()).to_hex().to_string(),
        text: passages.iter().map(|passage| passage.text.as_str()).collect(),
        passages,
    }
}

fn passage(rng: &mut ChaCha8Rng) -> NewPassage {
    let text: String = (0..TEXT).map(|at| if at % 6 == 5 { ' ' } else { rng.random_range('a'..='z') }).collect();
    let ids: Vec<u32> = (0..TOKENS).map(|_| rng.random_range(0..30_000)).collect();
    let places: Vec<usize> = (0..TOKENS).map(|token| token * 4).collect();
    let signs: Vec<u8> = (0..TOKENS * DIMENSION / 8).map(|_| rng.random()).collect();
    NewPassage {
        index_text: text.clone(),
        location: PassageLocation { heading_path: vec!["Guide".into(), "Part".into()], bytes: 0..900, lines: (1, 9) },
        embed_hash: TextHash::of(&text),
        text,
        vector: (0..DIMENSION).map(|_| rng.random::<f32>() - 0.5).collect(),
        codes: TokenCodes::new(&ids, &places, &signs),
    }
}

/// Keys and bytes by table.
async fn tables(store: &Store) -> BTreeMap<String, (usize, usize)> {
    let mut tables: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut begin = Vec::new();
    loop {
        let range = RangeQuery::from((begin.clone(), vec![0xff]));
        let page = store.begin().snapshot().get_range(range).await.unwrap();
        for item in &page.items {
            let key: Vec<Element<'_>> = unpack(&item.key).unwrap();
            let at = if key[1] == Element::String("t".into()) { 3 } else { 1 };
            let Element::String(table) = &key[at] else { continue };
            let entry = tables.entry(table.to_string()).or_default();
            *entry = (entry.0 + 1, entry.1 + item.key.len() + item.value.len());
        }
        match page.items.last().filter(|_| page.more) {
            Some(last) => begin = key_after(&last.key).to_vec(),
            None => return tables,
        }
    }
}

/// Bytes of the files below a folder.
fn size(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { size(&path) } else { path.metadata().unwrap().len() as usize }).sum()
}
