//! Compares two runs question by question, with a paired bootstrap.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use coditect_benches::bootstrap::{Difference, paired};
use coditect_benches::metrics::Metrics;
use coditect_benches::report::table;

use crate::record::{Written, WrittenMode};

/// Takes one metric out of all.
type Pick = fn(&Metrics) -> f64;

/// Metrics that are compared.
const COMPARED: &[(&str, Pick)] = &[
    ("success@1", |it| it.success_1),
    ("success@5", |it| it.success_5),
    ("mrr@10", |it| it.mrr_10),
    ("ndcg@10", |it| it.ndcg_10),
    ("doc_success@5", |it| it.doc_success_5),
];

#[derive(Args)]
pub(crate) struct Compare {
    /// Result of the one run
    a: PathBuf,
    /// Result of the other run; without it two modes of the first are compared
    b: Option<PathBuf>,
    /// Mode of the first run
    #[arg(long, default_value = "hybrid")]
    mode: String,
    /// Mode of the other run; the same by default
    #[arg(long)]
    other_mode: Option<String>,
    /// Seed of the resampling
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Prints the differences.
pub(crate) fn compare(arguments: &Compare) -> Result<()> {
    let a = read(&arguments.a)?;
    let b = read(arguments.b.as_deref().unwrap_or(&arguments.a))?;
    ensure!(a.data == b.data, "the runs are over different sets: {} and {}", a.data, b.data);
    let other = arguments.other_mode.as_deref().unwrap_or(&arguments.mode);
    let (one, two) = (mode(&a, &arguments.mode)?, mode(&b, other)?);
    let pairs = pairs(one, two)?;
    let mut rows =
        vec![["metric", "a", "b", "a - b", "95 % interval", "p", "better/equal/worse"].map(str::to_owned).to_vec()];
    for (name, metric) in COMPARED {
        let values: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (metric(a), metric(b))).collect();
        let difference = paired(&values, arguments.seed).context("there are no questions")?;
        rows.push(row(name, &values, &difference));
    }
    println!("{}: a = {} {}, b = {} {other}", a.data, arguments.a.display(), one.mode, b_name(arguments));
    print!("{}", table(&rows));
    Ok(())
}

fn b_name(arguments: &Compare) -> String {
    arguments.b.as_ref().unwrap_or(&arguments.a).display().to_string()
}

fn read(path: &Path) -> Result<Written> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("understand {}", path.display()))
}

fn mode<'a>(run: &'a Written, name: &str) -> Result<&'a WrittenMode> {
    run.modes.iter().find(|it| it.mode == name).with_context(|| format!("the run has no mode {name}"))
}

/// Metrics of the same question in both runs.
fn pairs<'a>(a: &'a WrittenMode, b: &'a WrittenMode) -> Result<Vec<(&'a Metrics, &'a Metrics)>> {
    let other: BTreeMap<&str, &Metrics> = b.questions.iter().map(|it| (it.id.as_str(), &it.metrics)).collect();
    ensure!(a.questions.len() == other.len(), "the runs have {} and {} questions", a.questions.len(), other.len());
    let pair = |id: &str| other.get(id).copied().with_context(|| format!("question {id} is in one run only"));
    a.questions.iter().map(|it| Ok((&it.metrics, pair(&it.id)?))).collect()
}

fn row(name: &str, values: &[(f64, f64)], difference: &Difference) -> Vec<String> {
    let count = values.len() as f64;
    let (a, b) = values.iter().fold((0.0, 0.0), |sum, it| (sum.0 + it.0 / count, sum.1 + it.1 / count));
    let [wins, ties, losses] = difference.wins_ties_losses;
    vec![
        name.to_owned(),
        format!("{a:.3}"),
        format!("{b:.3}"),
        format!("{:+.3}", difference.mean),
        format!("{:+.3}..{:+.3}", difference.low, difference.high),
        format!("{:.3}", difference.p),
        format!("{wins}/{ties}/{losses}"),
    ]
}
