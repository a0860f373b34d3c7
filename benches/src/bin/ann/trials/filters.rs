//! Filters: for each share of excluded vectors, recall and time against the exact scan and against a search without a filter.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

use anyhow::Result;
use coditect_benches::report::table;
use coditect_engine::vector::{VectorIndex, VectorOptions, VectorQuery};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use roaring::RoaringBitmap;
use serde::Serialize;

use super::{index, insert, mean, recall, search};
use crate::sets::{SEED, Set};

/// Queries of each filter.
const QUERIES: usize = 100;
/// Each is answered so often; the quickest counts.
const TIMES: usize = 3;
const EXCLUDED: [f64; 8] = [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999];

/// How the allowed vectors lie towards the query.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Drawn.
    Random,
    /// The farthest from it.
    Against,
    /// The nearest, but for every second one.
    With,
}

/// Means over the queries of a filter; times in microseconds.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    kind: Kind,
    excluded: f64,
    recall: f64,
    us: f64,
    exact_us: f64,
    plain_us: f64,
}

pub(super) fn run(set: &Set, options: VectorOptions) -> Result<Vec<Outcome>> {
    let (base, queries) = (set.base()?, set.queries()?);
    let index = index(options)?;
    insert(&index, &base, 0..base.rows())?;
    let queries: Vec<&[f32]> = queries.iter().take(QUERIES).collect();
    let mut plain = Vec::new();
    for query in &queries {
        plain.push(quickest(&index, query, &VectorQuery::default())?);
    }
    let plain_us = mean(&plain) * 1e6;
    println!("\n{}: filters, k=10; without a filter {plain_us:.0} us", set.info.name);
    let mut outcomes = Vec::new();
    for kind in [Kind::Random, Kind::Against, Kind::With] {
        for excluded in EXCLUDED {
            outcomes.push(outcome(&index, &queries, (kind, excluded), plain_us)?);
        }
    }
    print(&outcomes);
    Ok(outcomes)
}

fn outcome(index: &VectorIndex, queries: &[&[f32]], filter: (Kind, f64), plain_us: f64) -> Result<Outcome> {
    let (mut recalls, mut seconds, mut exact_seconds) = (Vec::new(), Vec::new(), Vec::new());
    for (number, query) in queries.iter().enumerate() {
        let allowed = allowed(index, query, filter, number as u64)?;
        let how = VectorQuery { allowed: Some(&allowed), ..VectorQuery::default() };
        let exactly = VectorQuery { exact: true, ..how };
        let (truth, hits) = (search(index, query, &exactly)?.0, search(index, query, &how)?.0);
        anyhow::ensure!(hits.len() == truth.len(), "{} results where there are {}", hits.len(), truth.len());
        recalls.push(recall(&hits, &truth));
        seconds.push(quickest(index, query, &how)?);
        exact_seconds.push(quickest(index, query, &exactly)?);
    }
    let (kind, excluded) = filter;
    let (us, exact_us) = (mean(&seconds) * 1e6, mean(&exact_seconds) * 1e6);
    Ok(Outcome { kind, excluded, recall: mean(&recalls), us, exact_us, plain_us })
}

/// The slots that a filter lets through for a query.
fn allowed(index: &VectorIndex, query: &[f32], (kind, excluded): (Kind, f64), seed: u64) -> Result<RoaringBitmap> {
    let count = index.len();
    let kept = ((1.0 - excluded) * count as f64).round() as usize;
    if let Kind::Random = kind {
        let mut random = ChaCha8Rng::seed_from_u64(SEED + seed);
        return Ok((0..count as u32).filter(|_| random.random::<f64>() >= excluded).collect());
    }
    let all = VectorQuery { exact: true, ..VectorQuery::default() };
    let order = index.search(query, count, &all)?;
    Ok(match kind {
        Kind::Against => order[count - kept..].iter().map(|hit| hit.slot).collect(),
        _ => order.iter().take(2 * kept).step_by(2).map(|hit| hit.slot).collect(),
    })
}

fn quickest(index: &VectorIndex, query: &[f32], how: &VectorQuery<'_>) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..TIMES {
        best = best.min(search(index, query, how)?.1);
    }
    Ok(best)
}

fn print(outcomes: &[Outcome]) {
    let head = ["filter", "excluded", "recall", "us", "exact us", "of the slower of exact and plain"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(outcomes.iter().map(|it| {
        vec![
            format!("{:?}", it.kind).to_lowercase(),
            format!("{} %", it.excluded * 100.0),
            format!("{:.4}", it.recall),
            format!("{:.0}", it.us),
            format!("{:.0}", it.exact_us),
            format!("{:.2}", it.us / it.exact_us.max(it.plain_us)),
        ]
    }));
    print!("{}", table(&rows));
}
