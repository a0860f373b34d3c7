//! Trains the weights of the ranking on what `features` wrote down of several sets. Each set is judged by weights that were
//! trained on the others, and compared with a mix that is the same for all.

mod objective;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use coditect_benches::bootstrap::paired;
use coditect_benches::dataset::Level;
use coditect_benches::metrics::Metrics;
use coditect_benches::report::{table, write_json};
use serde::Serialize;

use self::objective::{Example, Objective};
use crate::features::{Seen, SeenQuestion};

/// Where weights begin: both legs' fused score and MaxSim count the same, less so in code; the best window counts two fifths of the
/// whole passage, the passage's focus a tenth.
const START: &[(&str, f64)] =
    &[("cosine", 11.0), ("bm25", 11.0), ("maxsim", 11.0), ("window", 4.4), ("focus", 1.1), ("maxsim_in_code", -6.0)];
/// The mix that trained weights are compared with: half the fused score, half MaxSim.
const FIXED: &[(&str, f64)] = &[("cosine", 0.5), ("bm25", 0.5), ("maxsim", 0.5)];

#[derive(Args)]
pub(crate) struct Train {
    /// Files that `features` wrote, one a set
    #[arg(required = true, num_args = 2..)]
    files: Vec<PathBuf>,
    /// Features that get a weight
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "cosine,bm25,maxsim,maxsim_in_code,window,focus,document,worst"
    )]
    features: Vec<String>,
    /// How strongly weights are held to where they begin
    #[arg(long, default_value_t = 0.03)]
    ridge: f64,
    /// File to write the weights of all sets together to, such as engine/src/search/rerank/weights.json
    #[arg(long)]
    write: Option<PathBuf>,
    /// Seed of the resampling
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Name of the result below target/bench
    #[arg(long, default_value = "train.json")]
    out: String,
}

/// Weights as the engine reads them.
#[derive(Serialize)]
struct Weights {
    version: u32,
    weights: BTreeMap<String, f64>,
}

/// One set and how it came out.
#[derive(Serialize)]
struct Outcome {
    data: String,
    fixed: Metrics,
    /// By weights of the other sets.
    held_out: Metrics,
    held_out_weights: BTreeMap<String, f64>,
    /// By weights of all sets.
    trained: Metrics,
}

/// Trains, judges, prints, and writes.
pub(crate) fn train(arguments: &Train) -> Result<()> {
    let sets: Vec<Seen> = arguments.files.iter().map(read).collect::<Result<_>>()?;
    for name in &arguments.features {
        let is_known = sets
            .iter()
            .flat_map(|set| &set.questions)
            .flat_map(|it| &it.candidates)
            .any(|it| it.features.contains_key(name));
        ensure!(is_known, "no candidate has a feature named {name}");
    }
    let examples: Vec<Vec<Example>> = sets.iter().map(|set| examples(set, &arguments.features)).collect();
    let weights = |held_out: Option<usize>| -> Result<BTreeMap<String, f64>> {
        let kept = examples.iter().enumerate().filter(|(index, _)| Some(*index) != held_out);
        let start = arguments.features.iter().map(|name| named(START, name)).collect();
        let objective =
            Objective { sets: kept.map(|(_, set)| set.as_slice()).collect(), start, ridge: arguments.ridge };
        Ok(normalised(arguments.features.iter().cloned().zip(objective.minimise()?).collect()))
    };
    let all = weights(None)?;
    let mut outcomes = Vec::new();
    let mut rows = vec![header()];
    for (index, set) in sets.iter().enumerate() {
        let fixed: BTreeMap<String, f64> = FIXED.iter().map(|&(name, weight)| (name.to_owned(), weight)).collect();
        let held_out_weights = weights(Some(index))?;
        let [fixed, held_out, trained] = [&fixed, &held_out_weights, &all].map(|weights| judged(set, weights));
        rows.extend(compared(&set.data, [&fixed, &held_out, &trained], arguments.seed));
        let [fixed, held_out, trained] = [fixed, held_out, trained].map(|it| Metrics::mean(&it));
        outcomes.push(Outcome { data: set.data.clone(), fixed, held_out, held_out_weights, trained });
    }
    print!("{}", table(&rows));
    let weights = Weights { version: 1, weights: all };
    println!("\nweights of all sets: {}", serde_json::to_string(&weights.weights)?);
    println!("written to {}", write_json(&arguments.out, &(&weights, &outcomes))?.display());
    if let Some(path) = &arguments.write {
        let text = format!("{}\n", serde_json::to_string_pretty(&weights)?);
        std::fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
        println!("weights written to {}", path.display());
    }
    Ok(())
}

fn read(path: &PathBuf) -> Result<Seen> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("understand {}", path.display()))
}

fn named(weights: &[(&str, f64)], name: &str) -> f64 {
    weights.iter().find(|(known, _)| *known == name).map_or(0.0, |(_, weight)| *weight)
}

/// Questions of which a candidate is right: of the others nothing is to be learnt.
fn examples(set: &Seen, names: &[String]) -> Vec<Example> {
    let example = |question: &SeenQuestion| {
        let of = |index: usize| names.iter().map(|name| feature(question, index, name)).collect();
        let items: BTreeSet<usize> = question.candidates.iter().flat_map(|it| it.covers.iter().copied()).collect();
        let covering = |item: &usize| {
            let all = question.candidates.iter().enumerate();
            all.filter(|(_, it)| it.covers.contains(item)).map(|(index, _)| index).collect()
        };
        Example {
            features: (0..question.candidates.len()).map(of).collect(),
            covering: items.iter().map(covering).collect(),
        }
    };
    set.questions.iter().map(example).filter(|example| !example.covering.is_empty()).collect()
}

fn feature(question: &SeenQuestion, index: usize, name: &str) -> f64 {
    question.candidates[index].features.get(name).map_or(0.0, |value| f64::from(*value))
}

/// Scales weights so that the best candidate that can be has score 1: only one of the legs' parts can be 1.
fn normalised(weights: BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    const DIGITS: f64 = 1e4;
    let leg = |name: &str| weights.get(name).copied().unwrap_or(0.0).max(0.0);
    let others = weights.iter().filter(|(name, _)| !["cosine", "bm25"].contains(&name.as_str()));
    let most = leg("cosine").max(leg("bm25")) + others.map(|(_, weight)| weight.max(0.0)).sum::<f64>();
    let rounded = |weight: f64| (weight / most * DIGITS).round() / DIGITS;
    weights.iter().map(|(name, &weight)| (name.clone(), rounded(weight))).collect()
}

/// Metrics of every question, its candidates ranked by `weights`.
fn judged(set: &Seen, weights: &BTreeMap<String, f64>) -> Vec<Metrics> {
    set.questions.iter().map(|question| metrics(set.level, question, weights)).collect()
}

fn metrics(level: Level, question: &SeenQuestion, weights: &BTreeMap<String, f64>) -> Metrics {
    let score =
        |index: usize| weights.iter().map(|(name, weight)| weight * feature(question, index, name)).sum::<f64>();
    let mut order: Vec<(usize, f64)> = (0..question.candidates.len()).map(|index| (index, score(index))).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let candidates = order.iter().map(|(index, _)| &question.candidates[*index]);
    let mut seen = BTreeSet::new();
    let documents: Vec<_> = candidates.clone().filter(|it| seen.insert(&it.document_id)).collect();
    let ranked = match level {
        Level::Passage => candidates.collect(),
        Level::Document => documents,
    };
    let covered: Vec<Vec<usize>> = ranked.iter().map(|it| it.covers.clone()).collect();
    // Which documents are judged is not written down: the metric of documents is left out.
    Metrics::of(&covered, &[], question.judged)
}

fn header() -> Vec<String> {
    ["set", "weights", "success@1", "success@5", "mrr@10", "ndcg@10", "less fixed", "95 % interval"]
        .map(str::to_owned)
        .to_vec()
}

fn compared(data: &str, [fixed, held_out, trained]: [&Vec<Metrics>; 3], seed: u64) -> Vec<Vec<String>> {
    let row = |name: &str, metrics: &Vec<Metrics>| {
        let mean = Metrics::mean(metrics);
        let numbers = [mean.success_1, mean.success_5, mean.mrr_10, mean.ndcg_10].map(|it| format!("{it:.3}"));
        let pairs: Vec<(f64, f64)> = metrics.iter().zip(fixed).map(|(a, b)| (a.ndcg_10, b.ndcg_10)).collect();
        let difference =
            paired(&pairs, seed).map(|it| (format!("{:+.3}", it.mean), format!("{:+.3} to {:+.3}", it.low, it.high)));
        let (mean, interval) = difference.unwrap_or_default();
        [data.to_owned(), name.to_owned()].into_iter().chain(numbers).chain([mean, interval]).collect()
    };
    vec![row("fixed mix", fixed), row("of the other sets", held_out), row("of all sets", trained)]
}
