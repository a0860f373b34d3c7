//! What an embedder's settings cost or gain in relevance: ranks whole documents, cut at the model's
//! limit, by exact cosine, and compares with judgments.
//!
//!     cargo run --release -p coditect-ingest --example embed_relevance <directory> [f32|int8]
//!
//! The directory holds `corpus.jsonl` {"_id", "title", "text"}, `queries.jsonl` {"_id", "text"} and
//! `qrels.tsv` with a header line (query, document, score).

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use coditect_ingest::embed::{Embedder, EmbedderConfig, Precision};
use serde::Deserialize;

const DEPTH: usize = 10;

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    title: String,
    text: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let dir = Path::new(arguments.first().context("usage: embed_relevance <directory> [f32|int8]")?);
    let mut config = EmbedderConfig::default();
    if arguments.get(1).is_some_and(|name| name == "int8") {
        config.local.precision = Precision::Int8;
    }
    let embedder = Embedder::connect(config).await?;
    let corpus = entries(&dir.join("corpus.jsonl"))?;
    let texts: Vec<String> = corpus.iter().map(|entry| format!("{}\n{}", entry.title, entry.text)).collect();
    let vectors = embedder.embed_documents(&texts).await?;
    let judged = judgments(&dir.join("qrels.tsv"))?;
    let (mut ndcg, mut success, mut count) = (0.0, 0.0, 0.0);
    for query in entries(&dir.join("queries.jsonl"))? {
        let Some(relevant) = judged.get(&query.id) else { continue };
        let vector = embedder.embed_query(&query.text).await?;
        let found = best(&vector, &vectors);
        let hits: Vec<bool> = found.iter().map(|&index| relevant.contains(&corpus[index].id)).collect();
        ndcg += gain(&hits) / gain(&vec![true; relevant.len().min(DEPTH)]);
        success += f64::from(u8::from(hits.iter().take(5).any(|&hit| hit)));
        count += 1.0;
    }
    let name = embedder.fingerprint().id();
    line(&format!("{name}: ndcg@10 {:.3}, success@5 {:.3}, {count} queries", ndcg / count, success / count));
    Ok(())
}

fn entries(path: &Path) -> Result<Vec<Entry>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn judgments(path: &Path) -> Result<HashMap<String, Vec<String>>> {
    let mut judged: HashMap<String, Vec<String>> = HashMap::new();
    for row in fs::read_to_string(path)?.lines().skip(1) {
        let mut fields = row.split('\t');
        let (Some(query), Some(document)) = (fields.next(), fields.next()) else { continue };
        judged.entry(query.to_owned()).or_default().push(document.to_owned());
    }
    Ok(judged)
}

/// The nearest documents, best first.
fn best(query: &[f32], documents: &[Vec<f32>]) -> Vec<usize> {
    let cosine = |vector: &Vec<f32>| -> f32 { vector.iter().zip(query).map(|(a, b)| a * b).sum() };
    let mut scored: Vec<(f32, usize)> = documents.iter().map(cosine).zip(0..).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.into_iter().take(DEPTH).map(|(_, index)| index).collect()
}

fn gain(hits: &[bool]) -> f64 {
    let worth = |(rank, hit): (usize, &bool)| if *hit { 1.0 / (rank as f64 + 2.0).log2() } else { 0.0 };
    hits.iter().enumerate().map(worth).sum()
}

#[allow(clippy::print_stdout, reason = "printing is what this program does")]
fn line(text: &str) {
    println!("{text}");
}
