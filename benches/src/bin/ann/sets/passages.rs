//! Passages of real text, embedded with the local model as the server would embed them.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use coditect_ingest::embed::{Embedder, EmbedderConfig};

use super::flat::{self, Vectors};
use super::{Made, Metric, hold_out, texts};

/// Passages to search in.
const BASE: usize = 60_000;
/// Passages to search for.
const QUERIES: usize = 1_000;
/// The least that a run is worth.
const LEAST: usize = 50_000;
/// Texts that are embedded at once; an interrupted run goes on after the last of them.
const BATCH: usize = 256;

/// Reads texts, cuts them into passages, and embeds these: half an hour on two cores, which an interruption does not cost twice.
pub(super) fn make(source: &Path, trees: &[PathBuf]) -> Result<Made> {
    let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
    let config = EmbedderConfig::default();
    let embedder = runtime.block_on(Embedder::connect(config)).context("load the embedding model")?;
    let texts = texts::passages(trees, BASE + QUERIES, &*embedder.counter())?;
    ensure!(
        texts.len() >= LEAST + QUERIES,
        "the trees of text hold {} different passages, {LEAST} and {QUERIES} queries are wanted: name more with TEXTS=",
        texts.len()
    );
    let path = source.join(format!("passages-{}.f32", digest(&texts)));
    runtime.block_on(embed(&embedder, &texts, &path))?;
    let dimension = embedder.fingerprint().dimension;
    let mut all = Vectors::read(&path, dimension, texts.len())?;
    all.normalise();
    let (base, queries) = hold_out(all, QUERIES);
    let made = format!(
        "{}: different passages of at most {} tokens, as the splitter cuts them, from judged sets, documentation and sources in \
         equal parts; {QUERIES} drawn by the seed are queries and left out of the base",
        embedder.fingerprint().id(),
        texts::TOKENS,
    );
    Ok(Made { made, metric: Metric::Cosine, base, queries })
}

fn digest(texts: &[String]) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(text.as_bytes()).update(&[0]);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Appends the vectors that the file does not have yet.
async fn embed(embedder: &Embedder, texts: &[String], path: &Path) -> Result<()> {
    let row = embedder.fingerprint().dimension * size_of::<f32>();
    let failed = || format!("write {}", path.display());
    let mut file = OpenOptions::new().create(true).append(true).open(path).with_context(failed)?;
    let done = file.metadata().with_context(failed)?.len() as usize / row;
    file.set_len((done * row) as u64).with_context(failed)?;
    for (at, batch) in texts[done..].chunks(BATCH).enumerate() {
        let vectors = embedder.embed_documents(batch).await.context("embed passages")?;
        file.write_all(&flat::bytes(&vectors.concat())).with_context(failed)?;
        if at.is_multiple_of(16) {
            log(&format!("embedded {} of {} passages", done + at * BATCH + batch.len(), texts.len()));
        }
    }
    Ok(())
}

#[allow(clippy::print_stderr, reason = "a long preparation says how far it is")]
fn log(text: &str) {
    eprintln!("{text}");
}
