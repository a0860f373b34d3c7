//! Our own index, with its defaults and with the vectors in mapped files, as the server has it.

use std::path::Path;

use anyhow::{Context, Result};
use coditect_engine::vector::{self, VectorIndex, VectorOptions, VectorQuery};

use super::Index;
use crate::protocol::Description;
use crate::sets::{Info, Metric, Vectors};

/// Vectors that are handed over at once.
pub(crate) const BATCH: usize = 1 << 14;

/// The index that is measured for a set.
pub(crate) fn options(info: &Info, scratch: &Path) -> VectorOptions {
    let metric = match info.metric {
        Metric::L2 => vector::Metric::Euclidean,
        Metric::Cosine => vector::Metric::Cosine,
    };
    VectorOptions { metric, folder: Some(scratch.to_owned()), ..VectorOptions::new(info.dimension) }
}

pub(super) struct Ours {
    options: VectorOptions,
    index: VectorIndex,
}

impl Ours {
    pub(super) fn new(info: &Info, scratch: &Path) -> Result<Self> {
        let options = options(info, scratch);
        let index = VectorIndex::new(options.clone()).context("make the index")?;
        Ok(Self { options, index })
    }
}

impl Index for Ours {
    fn describe(&self) -> Description {
        let VectorOptions { m, ef_construction, .. } = self.options;
        let settings = format!("M={m}, {} links on the ground, efConstruction={ef_construction}", 2 * m);
        Description { version: env!("CARGO_PKG_VERSION").to_owned(), settings }
    }

    fn build(&mut self, base: &Vectors) -> Result<()> {
        let all: Vec<(u32, &[f32])> = (0..).zip(base.iter()).collect();
        all.chunks(BATCH).try_for_each(|batch| self.index.insert_batch(batch)).context("insert the vectors")
    }

    fn search(&self, query: &[f32], count: usize, effort: usize, _depth: usize) -> Vec<u32> {
        let how = VectorQuery { ef: Some(effort), ..VectorQuery::default() };
        // A refused query finds nothing, which the recall shows.
        let hits = self.index.search(query, count, &how).unwrap_or_default();
        hits.into_iter().map(|hit| hit.slot).collect()
    }

    fn save(&self, path: &Path) -> Result<()> {
        self.index.save(path).map(drop).context("save the index")
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        self.index = VectorIndex::load(path, self.options.folder.clone()).context("load the index")?;
        Ok(())
    }
}
