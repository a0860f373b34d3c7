//! What was measured, as it is kept in `target/bench/ann.json`.

use std::path::Path;

use anyhow::{Context, Result};
use coditect_benches::report::write_json;
use coditect_benches::server::OUTPUT;
use serde::{Deserialize, Serialize};

use crate::curve::{Point, pareto, qps_at};
use crate::protocol::{Description, Memory};
use crate::sets::Info;

const FILE: &str = "ann.json";

/// All sets that were measured, each as of its last run.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) sets: Vec<SetRecord>,
}

/// One set.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetRecord {
    pub(crate) set: Info,
    /// Whether this was a quick run, with fewer peers.
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    /// Threads of the builds, and of what is called all threads.
    pub(crate) threads: usize,
    pub(crate) measured: Vec<Measured>,
}

/// One index on a set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) what: Description,
    /// Why it was not measured, or not to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build: Option<Build>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) load: Option<Load>,
    pub(crate) runs: Vec<Run>,
}

/// A build with all threads.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Build {
    pub(crate) seconds: f64,
    /// By which the process grew.
    pub(crate) memory: Memory,
}

/// Saving, and loading in a fresh process.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) save_seconds: f64,
    pub(crate) seconds: f64,
    /// From the start of loading to the first answer.
    pub(crate) first_seconds: f64,
    pub(crate) memory: Memory,
}

/// One setting of the search parameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) effort: usize,
    pub(crate) depth: usize,
    pub(crate) threads: usize,
    pub(crate) recall: f64,
    /// Queries per second, of each round.
    pub(crate) qps: Vec<f64>,
}

impl Run {
    /// The best of the rounds: whatever else the machine did made the others slower.
    pub(crate) fn point(&self) -> Point {
        Point { recall: self.recall, qps: self.qps.iter().copied().fold(0.0, f64::max) }
    }
}

impl Measured {
    /// What it reaches on so many threads.
    pub(crate) fn curve(&self, threads: usize) -> Vec<Point> {
        let points: Vec<Point> = self.runs.iter().filter(|it| it.threads == threads).map(Run::point).collect();
        pareto(&points)
    }

    /// Queries per second at a recall, on so many threads.
    pub(crate) fn qps_at(&self, threads: usize, recall: f64) -> Option<f64> {
        qps_at(&self.curve(threads), recall)
    }

    /// The best recall of any setting.
    pub(crate) fn best_recall(&self) -> f64 {
        self.runs.iter().map(|it| it.recall).fold(0.0, f64::max)
    }
}

impl SetRecord {
    /// What was measured of an index.
    pub(crate) fn of(&self, name: &str) -> Option<&Measured> {
        self.measured.iter().find(|it| it.name == name)
    }
}

impl Record {
    /// What earlier runs left; nothing where there is no file, or one of another shape.
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string(Path::new(OUTPUT).join(FILE)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Puts a set in the place of its earlier run, and writes the file.
    pub(crate) fn put(&mut self, set: SetRecord, order: &[&str]) -> Result<()> {
        self.sets.retain(|it| it.set.name != set.set.name);
        self.sets.push(set);
        self.sets.sort_by_key(|it| order.iter().position(|name| *name == it.set.name));
        write_json(FILE, self).context("keep what was measured").map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_round_counts_and_threads_are_kept_apart() {
        let run = |threads, recall, qps: &[f64]| Run { effort: 10, depth: 0, threads, recall, qps: qps.to_vec() };
        let runs = vec![run(1, 0.9, &[5.0, 7.0, 6.0]), run(1, 0.99, &[2.0]), run(2, 0.9, &[12.0])];
        let measured = Measured { runs, ..Measured::default() };
        assert_eq!(measured.qps_at(1, 0.8), Some(7.0));
        assert_eq!(measured.qps_at(2, 0.8), Some(12.0));
        assert_eq!(measured.qps_at(2, 0.95), None);
        assert_eq!(measured.best_recall(), 0.99);
    }
}
