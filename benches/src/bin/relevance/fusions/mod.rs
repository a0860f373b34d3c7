//! Ranks what the server's legs found by other fusions, and compares each with the server's own question by question.

mod formulas;

use anyhow::{Context, Result};
use clap::Args;
use coditect_benches::bootstrap::{Difference, paired};
use coditect_benches::client::SearchResult;
use coditect_benches::metrics::Metrics;
use coditect_benches::report::{table, write_json};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use self::formulas::{Evidence, FORMULAS};
use crate::ask::judge;
use crate::session::{Indexing, Session};

/// Questions asked at once.
const AT_ONCE: usize = 2;

#[derive(Args)]
pub(crate) struct Fusions {
    #[command(flatten)]
    indexing: Indexing,
    /// Seed of the resampling
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Name of the result below target/bench
    #[arg(long, default_value = "fusions.json")]
    out: String,
}

/// The result of the comparison, as it is written to JSON.
#[derive(Serialize)]
struct Record {
    data: String,
    fusions: Vec<Fusion>,
}

/// One fusion over all questions.
#[derive(Serialize)]
struct Fusion {
    name: &'static str,
    metrics: Metrics,
    /// nDCG@10 of the server's own fusion less that of this one; absent for the server's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    own_less_this: Option<Difference>,
}

/// Compares the fusions and prints a table.
pub(crate) async fn fusions(arguments: Fusions) -> Result<()> {
    let session = Session::start(&arguments.indexing).await?;
    let asking = session.asking()?;
    let asked = stream::iter(&session.set.questions).map(|question| asking.evidence(question));
    let answers: Vec<Vec<SearchResult>> = asked.buffered(AT_ONCE).try_collect().await?;
    let own = each(&session, &answers, |results| results.iter().collect());
    let mut fusions = vec![Fusion { name: "the server's own", metrics: Metrics::mean(&own), own_less_this: None }];
    for formula in FORMULAS {
        let metrics = each(&session, &answers, |results| ranked(results, &(formula.scores)(&Evidence::of(results))));
        let pairs: Vec<(f64, f64)> = own.iter().zip(&metrics).map(|(own, it)| (own.ndcg_10, it.ndcg_10)).collect();
        let difference = paired(&pairs, arguments.seed).context("the set has no questions")?;
        fusions.push(Fusion { name: formula.name, metrics: Metrics::mean(&metrics), own_less_this: Some(difference) });
    }
    let record = Record { data: session.set.name.clone(), fusions };
    session.stop().await?;
    print(&record);
    println!("\nwritten to {}", write_json(&arguments.out, &record)?.display());
    Ok(())
}

/// Judges every question's answer in the order that `order` gives it.
fn each<'a>(
    session: &Session,
    answers: &'a [Vec<SearchResult>],
    order: impl Fn(&'a [SearchResult]) -> Vec<&'a SearchResult>,
) -> Vec<Metrics> {
    let judged = |(question, results): (_, &'a Vec<SearchResult>)| {
        let all = order(results);
        judge(session.set.level, question, &all, &all).metrics
    };
    session.set.questions.iter().zip(answers).map(judged).collect()
}

/// The results by score, larger first; equal scores stay in the server's order.
fn ranked<'a>(results: &'a [SearchResult], scores: &[f64]) -> Vec<&'a SearchResult> {
    let mut scored: Vec<(&SearchResult, f64)> = results.iter().zip(scores.iter().copied()).collect();
    scored.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    scored.into_iter().map(|(result, _)| result).collect()
}

fn print(record: &Record) {
    let head = ["fusion", "success@5", "ndcg@10", "doc_success@5", "own - this", "95 % interval", "p"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(record.fusions.iter().map(row));
    println!("\n{}: own - this is of ndcg@10\n{}", record.data, table(&rows).trim_end());
}

fn row(fusion: &Fusion) -> Vec<String> {
    let metrics = fusion.metrics;
    let mut cells = vec![fusion.name.to_owned()];
    let values = [metrics.success_5, metrics.ndcg_10, metrics.doc_success_5];
    cells.extend(values.map(|value| format!("{value:.3}")));
    if let Some(difference) = fusion.own_less_this {
        let Difference { mean, low, high, p, .. } = difference;
        cells.extend([format!("{mean:+.3}"), format!("{low:+.3}..{high:+.3}"), format!("{p:.3}")]);
    }
    cells
}
