//! What each part of late interaction is worth: the candidates of every question ranked with other token codes, other weights of
//! the query's tokens, and other depths, compared question by question with what the engine does.
//!
//! All are ranked by half the fused score of the legs and half MaxSim, so that nothing but the variant differs.

mod passages;
mod variants;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use coditect_benches::bootstrap::{Difference, paired};
use coditect_benches::client::SearchResult;
use coditect_benches::dataset::Question;
use coditect_benches::metrics::Metrics;
use coditect_benches::report::{table, write_json};
use coditect_ingest::embed::{Embedder, EmbedderConfig};
use futures::{StreamExt, TryStreamExt, stream};
use rayon::prelude::*;
use serde::Serialize;

use self::passages::Passages;
use self::variants::{OTHERS, OURS, Variant};
use crate::ask::judge;
use crate::session::{Indexing, Session};

/// Questions asked at once.
const AT_ONCE: usize = 2;
/// Candidates of each question.
const DEPTH: usize = 200;
/// Depths that are compared; the engine looks at 100.
const DEPTHS: [usize; 5] = [10, 20, 50, 100, 200];

#[derive(Args)]
pub(crate) struct Ablations {
    #[command(flatten)]
    indexing: Indexing,
    /// Seed of the resampling
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Name of the result below target/bench; `ablations-<set>.json` when absent
    #[arg(long)]
    out: Option<String>,
}

/// One way over all questions.
#[derive(Serialize)]
struct Row {
    name: String,
    metrics: Metrics,
    /// nDCG@10 of what the engine does less that of this one.
    ours_less_this: Option<Difference>,
}

/// A question with its candidates, and its tokens.
struct Asked<'a> {
    question: &'a Question,
    results: Vec<SearchResult>,
    vectors: Vec<f32>,
    idfs: Vec<f32>,
}

/// Compares the variants and prints a table.
pub(crate) async fn ablations(arguments: Ablations) -> Result<()> {
    let session = Session::start(&arguments.indexing).await?;
    let asking = session.asking()?;
    let mut config = EmbedderConfig::default();
    config.local.model_dir = std::env::var_os("CODITECT_MODEL_DIR").map(PathBuf::from);
    config.local.onnxruntime = std::env::var_os("CODITECT_ONNXRUNTIME").map(PathBuf::from);
    let embedder = Embedder::connect(config).await?;
    println!("embedding the passages with the whole vectors of their tokens");
    let passages = Passages::read(asking.client(), &session.set, &embedder).await?;
    let asked = stream::iter(&session.set.questions).map(|question| {
        let (asking, embedder, passages) = (&asking, &embedder, &passages);
        async move {
            let results = asking.seen(question, DEPTH).await?;
            let tokens = embedder.embed_query_with_tokens(&question.query).await?.context("no tokens")?;
            let idfs = tokens.ids.iter().map(|&id| passages.idf(&question.collection, id)).collect();
            let vectors = passages::unit(tokens.vectors, tokens.ids.len());
            Ok::<_, anyhow::Error>(Asked { question, results, vectors, idfs })
        }
    });
    let asked: Vec<Asked<'_>> = asked.buffered(AT_ONCE).try_collect().await?;
    let of = |variant: &Variant, depth: usize| -> Vec<Metrics> {
        asked.par_iter().map(|one| metrics(&session, one, &passages, variant, depth)).collect()
    };
    let ours = of(&OURS, 100);
    let mut rows = vec![row(OURS.name.to_owned(), &ours, &ours, arguments.seed)];
    rows.extend(OTHERS.iter().map(|other| row(other.name.to_owned(), &of(other, 100), &ours, arguments.seed)));
    rows.extend(DEPTHS.iter().map(|&depth| row(format!("depth {depth}"), &of(&OURS, depth), &ours, arguments.seed)));
    rows.push(row("legs alone".to_owned(), &of(&OURS, 0), &ours, arguments.seed));
    print(&rows);
    let out = arguments.out.unwrap_or_else(|| format!("ablations-{}.json", session.set.name));
    println!("written to {}", write_json(&out, &BTreeMap::from([(&session.set.name, &rows)]))?.display());
    session.stop().await
}

fn metrics(session: &Session, asked: &Asked<'_>, passages: &Passages, variant: &Variant, depth: usize) -> Metrics {
    let fused = |result: &SearchResult| {
        let value = |name: &str| result.explain.as_ref()?.features.get(name).map(|feature| feature.value);
        value("cosine").unwrap_or(0.0) + value("bm25").unwrap_or(0.0)
    };
    let mut candidates: Vec<(&SearchResult, f32)> = asked.results.iter().map(|it| (it, fused(it))).collect();
    candidates.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (result, score) in candidates.iter_mut().take(depth) {
        let line = result.passage.line_start;
        let passage = passages.get(&asked.question.collection, &result.document_id, line);
        // Behind those that were not looked at comes nobody who was.
        *score = 1.0 + *score + passage.map_or(0.0, |it| variant.maxsim(&asked.vectors, &asked.idfs, it));
    }
    candidates.sort_by(|a, b| b.1.total_cmp(&a.1));
    let ranked: Vec<&SearchResult> = candidates.into_iter().map(|(result, _)| result).collect();
    judge(session.set.level, asked.question, &ranked, &ranked).metrics
}

fn row(name: String, metrics: &[Metrics], ours: &[Metrics], seed: u64) -> Row {
    let pairs: Vec<(f64, f64)> = ours.iter().zip(metrics).map(|(a, b)| (a.ndcg_10, b.ndcg_10)).collect();
    Row { name, metrics: Metrics::mean(metrics), ours_less_this: paired(&pairs, seed) }
}

fn print(rows: &[Row]) {
    let head = ["tokens", "success@1", "success@5", "ndcg@10", "ours less this", "95 % interval"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for row in rows {
        let Row { name, metrics, ours_less_this } = row;
        let numbers = [metrics.success_1, metrics.success_5, metrics.ndcg_10].map(|it| format!("{it:.3}"));
        let difference =
            ours_less_this.map(|it| [format!("{:+.3}", it.mean), format!("{:+.3} to {:+.3}", it.low, it.high)]);
        lines.push(std::iter::once(name.clone()).chain(numbers).chain(difference.into_iter().flatten()).collect());
    }
    print!("{}", table(&lines));
}
