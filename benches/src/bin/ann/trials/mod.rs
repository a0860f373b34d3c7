//! What our index alone is put through: filters, churn, and searches while others write.

mod churn;
mod filters;
mod writes;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::ValueEnum;
use coditect_benches::report::write_json;
use coditect_engine::vector::{Hit, VectorIndex, VectorOptions, VectorQuery};

use crate::curve::NEIGHBOURS;
use crate::sets::{Set, Vectors};
use crate::worker::ours;

/// An effort with which a search finds what links lead to, however many are nearer.
const MUCH: usize = 1_024;

/// One of them.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Trial {
    /// Recall and time under filters of growing strictness that agree with queries, or not, or neither
    Filters,
    /// Recall and memory after many rounds of removing and inserting a hundredth
    Churn,
    /// Latency of searches while vectors come and go
    Writes,
}

/// Puts the index through `trial` on `set`, prints what came out, and keeps it as JSON.
pub(crate) fn run(trial: Trial, set: &Set, scratch: &Path) -> Result<()> {
    std::fs::create_dir_all(scratch).with_context(|| format!("create {}", scratch.display()))?;
    let options = ours::options(&set.info, scratch);
    let name = &set.info.name;
    match trial {
        Trial::Filters => write_json(&format!("ann-filters-{name}.json"), &filters::run(set, options)?),
        Trial::Churn => write_json(&format!("ann-churn-{name}.json"), &churn::run(set, options)?),
        Trial::Writes => write_json(&format!("ann-writes-{name}.json"), &writes::run(set, options)?),
    }?;
    Ok(())
}

fn index(options: VectorOptions) -> Result<VectorIndex> {
    VectorIndex::new(options).context("make the index")
}

/// Inserts rows at slots of the same number.
fn insert(index: &VectorIndex, base: &Vectors, rows: std::ops::Range<usize>) -> Result<()> {
    let batch: Vec<(u32, &[f32])> = rows.map(|row| (row as u32, base.row(row))).collect();
    batch.chunks(ours::BATCH).try_for_each(|batch| index.insert_batch(batch)).context("insert the vectors")
}

/// One search and its seconds.
fn search(index: &VectorIndex, query: &[f32], how: &VectorQuery<'_>) -> Result<(Vec<Hit>, f64)> {
    let started = Instant::now();
    let hits = index.search(query, NEIGHBOURS, how).context("search")?;
    Ok((hits, started.elapsed().as_secs_f64()))
}

/// Share of the true nearest that were found; what is as near as the last of them counts.
fn recall(hits: &[Hit], truth: &[Hit]) -> f64 {
    let worst = truth.last().map_or(f32::INFINITY, |last| last.score);
    hits.iter().filter(|hit| hit.score >= worst).count().min(truth.len()) as f64 / truth.len().max(1) as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_as_near_as_the_last_true_one_count() {
        let hit = |slot, score| Hit { slot, score };
        let truth = [hit(1, 0.9), hit(2, 0.8)];
        assert!((recall(&[hit(1, 0.9), hit(3, 0.8)], &truth) - 1.0).abs() < 1e-9);
        assert!((recall(&[hit(1, 0.9), hit(4, 0.7)], &truth) - 0.5).abs() < 1e-9);
    }
}
