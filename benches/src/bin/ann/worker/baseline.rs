//! The crate `hnsw_rs`, the graph that ours has to leave behind; with the distances of `simsimd`, which are faster than its own.

use std::path::Path;

use anyhow::{Context, Result, bail};
use hnsw_rs::prelude::{AnnT, Distance, Hnsw, HnswIo};
use simsimd::SpatialSimilarity;

use super::Index;
use crate::protocol::Description;
use crate::sets::{Metric, Vectors};

const LINKS: usize = 16;
const CONSTRUCTION: usize = 200;
/// Layers that a graph may have.
const LAYERS: usize = 16;
/// First part of the names of the two files that it writes.
const FILES: &str = "graph";

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Euclidean;

impl Distance<f32> for Euclidean {
    fn eval(&self, one: &[f32], other: &[f32]) -> f32 {
        f32::l2sq(one, other).map_or(f32::MAX, |it| it as f32)
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cosine;

impl Distance<f32> for Cosine {
    fn eval(&self, one: &[f32], other: &[f32]) -> f32 {
        // It refuses distances below 0, which rounding makes of equal vectors.
        f32::dot(one, other).map_or(f32::MAX, |it| (1.0 - it as f32).max(0.0))
    }
}

pub(super) enum Baseline {
    Empty(Metric),
    Euclidean(Hnsw<'static, f32, Euclidean>),
    Cosine(Hnsw<'static, f32, Cosine>),
}

impl Baseline {
    pub(super) fn new(metric: Metric) -> Self {
        Self::Empty(metric)
    }

    fn metric(&self) -> Metric {
        match self {
            Self::Empty(metric) => *metric,
            Self::Euclidean(_) => Metric::L2,
            Self::Cosine(_) => Metric::Cosine,
        }
    }
}

fn built<D: Distance<f32> + Send + Sync>(base: &Vectors, distance: D) -> Hnsw<'static, f32, D> {
    let graph = Hnsw::new(LINKS, base.rows(), LAYERS, CONSTRUCTION, distance);
    let all: Vec<(&[f32], usize)> = base.iter().zip(0..).collect();
    graph.parallel_insert_slice(&all);
    graph
}

fn loaded<D: Distance<f32> + Send + Sync + Default>(path: &Path, distance: D) -> Result<Hnsw<'static, f32, D>> {
    // The graph borrows from what reads it; both live as long as the process.
    let files = Box::leak(Box::new(HnswIo::new(path, FILES)));
    files.load_hnsw_with_dist(distance)
}

impl Index for Baseline {
    fn describe(&self) -> Description {
        let settings = format!("M={LINKS}, {} links on the ground, efConstruction={CONSTRUCTION}, simsimd", 2 * LINKS);
        Description { version: "hnsw_rs 0.3.5".to_owned(), settings }
    }

    fn build(&mut self, base: &Vectors) -> Result<()> {
        *self = match self.metric() {
            Metric::L2 => Self::Euclidean(built(base, Euclidean)),
            Metric::Cosine => Self::Cosine(built(base, Cosine)),
        };
        Ok(())
    }

    fn search(&self, query: &[f32], count: usize, effort: usize, _depth: usize) -> Vec<u32> {
        let found = match self {
            Self::Empty(_) => Vec::new(),
            Self::Euclidean(graph) => graph.search(query, count, effort),
            Self::Cosine(graph) => graph.search(query, count, effort),
        };
        found.into_iter().map(|it| it.d_id as u32).collect()
    }

    fn save(&self, path: &Path) -> Result<()> {
        std::fs::create_dir(path).context("make the folder")?;
        match self {
            Self::Empty(_) => bail!("nothing is built"),
            Self::Euclidean(graph) => graph.file_dump(path, FILES)?,
            Self::Cosine(graph) => graph.file_dump(path, FILES)?,
        };
        Ok(())
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        *self = match self.metric() {
            Metric::L2 => Self::Euclidean(loaded(path, Euclidean)?),
            Metric::Cosine => Self::Cosine(loaded(path, Cosine)?),
        };
        Ok(())
    }
}
