//! Memory that token codes take beside the page cache: the same passages in two stores, with codes and without, each opened in a
//! process of its own.
//!
//!     cargo run --release -p coditect-engine --example token_memory -- [passages] [tokens of a passage]
//!
//! Linux alone: it reads `/proc/self/smaps_rollup`.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]
#![allow(clippy::unwrap_used, reason = "a failure of the measurement ends it")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use coditect_engine::model::{
    CollectionName, CollectionSpec, DocumentId, EmbedderInfo, NewDocument, NewPassage, PassageLocation, TenantId,
    TextHash, TokenCodes,
};
use coditect_engine::{Engine, EngineOptions};
use coditect_store::{Clock, EmbeddedOptions, Store};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The server's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const DIMENSION: usize = 384;
const DOCUMENT: usize = 50;
const WAIT: Duration = Duration::from_secs(600);
const VOCABULARY: u32 = 30_522;
/// After this the allocator has given back what is not used.
const SETTLED: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [step, folder, passages, tokens] = &arguments[..] {
        let (folder, passages, tokens) = (Path::new(folder), passages.parse().unwrap(), tokens.parse().unwrap());
        match step.as_str() {
            "fill" => fill(folder, passages, tokens).await,
            _ => println!("{}", opened(folder).await),
        }
        return;
    }
    let passages = arguments.first().map_or("100000", String::as_str);
    let tokens = arguments.get(1).map_or("200", String::as_str);
    let [without, with] = ["0", tokens].map(|tokens| {
        let folder = tempfile::tempdir().unwrap();
        let step = |step: &str| {
            let output = Command::new(std::env::current_exe().unwrap())
                .args([step, folder.path().to_str().unwrap(), passages, tokens])
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        step("fill");
        step("open").trim().parse::<f64>().unwrap()
    });
    println!("{passages} passages of {tokens} tokens, memory that is not page cache, after opening:");
    println!("without codes {without:.0} MB, with codes {with:.0} MB, difference {:.1} MB", with - without);
}

async fn start(folder: &Path) -> (Store, Engine) {
    // The store's cache has a limit of its own, which only one of the two would reach.
    let mut options = EmbeddedOptions::new(folder.join("store"));
    options.cache_bytes = 1 << 20;
    let store = Store::open_embedded(options).await.unwrap();
    let options = EngineOptions { scratch: folder.to_owned(), ..EngineOptions::default() };
    let engine = Engine::start(store.clone(), Clock::system(), &options);
    engine.ready(WAIT).await.unwrap();
    (store, engine)
}

/// Stores passages with as many random token codes each; none for 0.
async fn fill(folder: &Path, passages: usize, tokens: usize) {
    let (store, engine) = start(folder).await;
    let tenant = engine.tenant(&TenantId::new("memory").unwrap());
    let model = |id: &str| EmbedderInfo { id: id.into(), model: id.into(), dimension: DIMENSION as u32 };
    let spec = CollectionSpec {
        embedder: model("random"),
        tokens: (tokens > 0).then(|| model("tokens")),
        quantization: coditect_engine::vector::Quantization::default(),
        search: coditect_engine::model::SearchSettings::default(),
        description: String::new(),
    };
    let collection = CollectionName::new("memory").unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for number in 0..passages.div_ceil(DOCUMENT) {
        tenant.put(&collection, &spec, document(number, tokens, &mut rng)).await.unwrap();
    }
    engine.stop().await;
    store.close().await.unwrap();
}

fn document(number: usize, tokens: usize, rng: &mut ChaCha8Rng) -> NewDocument {
    let texts: Vec<String> = (0..DOCUMENT).map(|passage| format!("Passage {passage} of document {number}.")).collect();
    let mut offset = 0;
    let passages = (1..).zip(&texts).map(|(line, text)| {
        let bytes = offset..offset + text.len() as u64;
        offset = bytes.end + 1;
        NewPassage {
            text: text.clone(),
            index_text: text.clone(),
            location: PassageLocation { heading_path: Vec::new(), bytes, lines: (line, line) },
            embed_hash: TextHash::of(text),
            vector: (0..DIMENSION).map(|_| rng.random_range(-1.0..1.0)).collect(),
            codes: (tokens > 0).then(|| codes(tokens, rng)),
        }
    });
    NewDocument {
        id: DocumentId::new(format!("{number}")).unwrap(),
        kind: "documentation".into(),
        language: None,
        title: format!("Document {number}"),
        source: String::new(),
        metadata: serde_json::Map::new(),
        content_hash: blake3::hash(&number.to_le_bytes()).to_hex().to_string(),
        passages: passages.collect(),
        text: texts.join("\n"),
    }
}

fn codes(tokens: usize, rng: &mut ChaCha8Rng) -> TokenCodes {
    let mut signs = vec![0; tokens * DIMENSION / 8];
    rng.fill(&mut signs[..]);
    let ids: Vec<u32> = (0..tokens).map(|_| rng.random_range(0..VOCABULARY)).collect();
    TokenCodes::new(&ids, &vec![0; tokens], &signs).unwrap()
}

/// Megabytes that are not backed by files, with the index filled.
async fn opened(folder: &Path) -> f64 {
    let (store, engine) = start(folder).await;
    tokio::time::sleep(SETTLED).await;
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    engine.stop().await;
    store.close().await.unwrap();
    kilobytes / 1_000.0
}
