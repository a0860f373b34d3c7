//! The vector index: our own HNSW graph over caller-given slots, with exact scan, filters and in-place deletes.
//!
//! After Malkov & Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable
//! Small World graphs" (arXiv 1603.09320). Searches run concurrently with each other and with the planning part of
//! inserts. Do not call [`VectorIndex::insert`] or [`VectorIndex::remove`] from inside a rayon task: inserts use
//! rayon's pool while they hold the writer's lock.

mod build;
mod codes;
mod error;
mod filtered;
mod graph;
mod image;
mod incoming;
pub mod limits;
mod mapped;
pub mod maxsim;
mod memory;
mod metric;
mod points;
mod pool;
mod reach;
mod repair;
mod rows;
mod scan;
mod scratch;
mod search;
mod select;
mod similarity;
mod sync;
mod walk;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_epoch as epoch;
use parking_lot::{Mutex, MutexGuard};
use rayon::prelude::*;
use roaring::RoaringBitmap;

pub use self::codes::Quantization;
pub use self::error::VectorError;
pub use self::image::{ImageError, ImageInfo};
pub(crate) use self::mapped::map_unnamed;
pub use self::metric::Metric;
pub use self::search::{Hit, VectorQuery};

use self::build::Fresh;
use self::codes::Codes;
use self::graph::Graph;
use self::walk::View;
use self::writer::{Writer, vector_hash};

/// How an index is built and searched; fixed for its life.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorOptions {
    /// Components of every vector, 1 to [`limits::MAX_DIMENSION`].
    pub dimension: usize,
    /// How vectors are compared.
    pub metric: Metric,
    /// In which form a walk compares vectors.
    pub quantization: Quantization,
    /// Links a point has in the upper layers (`M`), in [`limits::LINKS`]; twice as many on the ground.
    pub m: usize,
    /// Points looked at when a new one is linked (`efConstruction`), `m` to [`limits::MAX_EF`].
    pub ef_construction: usize,
    /// Points looked at by a search that does not say (`ef`), 1 to [`limits::MAX_EF`].
    pub ef_search: usize,
    /// Seed of the levels: equal inputs in equal order give equal graphs.
    pub seed: u64,
    /// Up to this many points a search without a filter compares all of them.
    pub exact_below: usize,
    /// An existing folder for files without names that back the vectors themselves, once there are many; else they are in memory.
    pub folder: Option<PathBuf>,
}

impl VectorOptions {
    /// The measured defaults for vectors of `dimension` components.
    #[must_use]
    pub fn new(dimension: usize) -> Self {
        Self {
            dimension,
            metric: Metric::Cosine,
            quantization: Quantization::Auto,
            m: 16,
            ef_construction: 200,
            ef_search: 128,
            seed: 42,
            exact_below: 2_000,
            folder: None,
        }
    }

    fn check(&self) -> Result<(), VectorError> {
        if !(1..=limits::MAX_DIMENSION).contains(&self.dimension) {
            return Err(VectorError::Options("dimension must be 1 to 4096"));
        }
        if !limits::LINKS.contains(&self.m) {
            return Err(VectorError::Options("m must be 4 to 96"));
        }
        if !(self.m..=limits::MAX_EF).contains(&self.ef_construction) {
            return Err(VectorError::Options("ef_construction must be m to 4096"));
        }
        if !(1..=limits::MAX_EF).contains(&self.ef_search) {
            return Err(VectorError::Options("ef_search must be 1 to 4096"));
        }
        Ok(())
    }
}

/// An index of vectors by slot.
#[derive(Debug)]
pub struct VectorIndex {
    options: VectorOptions,
    graph: Graph,
    writer: Mutex<Writer>,
}

impl VectorIndex {
    /// Makes an empty index.
    ///
    /// # Errors
    /// [`VectorError::Options`] when an option is out of its range.
    pub fn new(options: VectorOptions) -> Result<Self, VectorError> {
        options.check()?;
        let graph = Graph::new(options.metric, options.dimension, options.m, options.folder.clone());
        let writer = Mutex::new(Writer::new(options.seed));
        Ok(Self { options, graph, writer })
    }

    /// The options the index was made with.
    #[must_use]
    pub fn options(&self) -> &VectorOptions {
        &self.options
    }

    /// Puts `vector` at `slot`, replacing what was there. It is found by every search that starts after this returns. A search that runs
    /// meanwhile finds a slot that is replaced by its old vector, by its new one, or not at all; others are not touched by that.
    ///
    /// # Errors
    /// When the vector or slot is refused; nothing was changed then.
    pub fn insert(&self, slot: u32, vector: &[f32]) -> Result<(), VectorError> {
        self.insert_batch(&[(slot, vector)])
    }

    /// Puts many vectors at their slots, sharing the work among rayon's threads; the last of equal slots wins.
    ///
    /// # Errors
    /// When any vector or slot is refused; nothing was changed then.
    pub fn insert_batch(&self, batch: &[(u32, &[f32])]) -> Result<(), VectorError> {
        let mut prepared = std::collections::BTreeMap::new();
        for &(slot, vector) in batch {
            if slot >= limits::MAX_SLOTS {
                return Err(VectorError::Slot { slot });
            }
            prepared.insert(slot, self.options.metric.prepare(vector, self.options.dimension)?);
        }
        let prepared: Vec<(u32, Vec<f32>)> = prepared.into_iter().collect();
        // Locked here: a thread of the pool that waited for a lock could be the one that another change needs.
        let mut writer = self.changing();
        let writer = &mut *writer;
        match prepared.len() {
            1 => self.put(writer, &prepared),
            _ => pool::in_background(|| self.put(writer, &prepared)),
        }
        Ok(())
    }

    fn put(&self, writer: &mut Writer, mut rest: &[(u32, Vec<f32>)]) {
        while !rest.is_empty() {
            // Without a graph every search compares all, so all can be placed at once.
            let step = if writer.codes.is_some() { step(writer.size()) } else { rest.len() };
            let (now, later) = rest.split_at(step.min(rest.len()));
            let (fresh, bound) = self.place(writer, now);
            self.link(writer, &fresh);
            // A slot is seen only when its point has all that a search may read of it.
            bound.into_iter().for_each(|(slot, point)| self.graph.points.bind(slot, point));
            rest = later;
        }
    }

    /// Gives new points their links, or all points when there are enough for a graph now.
    fn link(&self, writer: &mut Writer, fresh: &[u32]) {
        if let Some(codes) = self.codes_for(writer) {
            codes.ensure(self.graph.bound());
            fresh.par_iter().for_each(|&point| codes.put(point, self.graph.vector(point)));
            self.link_points(writer, &codes, fresh);
        } else if writer.size() >= limits::GRAPH_FROM {
            let points = writer.points();
            let codes = self.trained(writer, &points);
            let mut rest = points.as_slice();
            while !rest.is_empty() {
                let linked = points.len() - rest.len();
                let (now, later) = rest.split_at(step(linked).min(rest.len()));
                self.link_points(writer, &codes, now);
                rest = later;
            }
            // From here on searches walk.
            self.graph.codes.store(Some(codes));
        }
    }

    /// The codes in use, made anew when the points have become many more.
    fn codes_for(&self, writer: &mut Writer) -> Option<Arc<Codes>> {
        let codes = writer.codes.clone()?;
        let is_young = codes.trained_on < limits::RETRAIN_UNTIL;
        if is_young && writer.size() >= codes.trained_on * limits::RETRAIN_GROWTH {
            let points = writer.points();
            let codes = self.trained(writer, &points);
            self.graph.codes.store(Some(Arc::clone(&codes)));
            return Some(codes);
        }
        Some(codes)
    }

    fn trained(&self, writer: &mut Writer, points: &[u32]) -> Arc<Codes> {
        let kind = (self.options.metric, self.options.quantization);
        let codes = Codes::train(kind, self.options.seed, &self.graph.vectors, points);
        let codes = Arc::new(codes);
        writer.codes = Some(Arc::clone(&codes));
        codes
    }

    /// Links points that have codes.
    fn link_points(&self, writer: &mut Writer, codes: &Codes, points: &[u32]) {
        if points.is_empty() {
            return;
        }
        let fresh = |&point: &u32| Fresh { point, level: writer.raise(&self.graph, point) };
        let fresh: Vec<Fresh> = points.iter().map(fresh).collect();
        let view = View::new(&self.graph, codes);
        let lists = build::plan(view, &fresh, self.options.ef_construction);
        build::apply(writer, view, &fresh, &lists);
        writer.keep_within_reach(view, points.len());
    }

    /// Finds points for vectors; returns those that are new and need links, and which slot is to stand for which point.
    fn place(&self, writer: &mut Writer, step: &[(u32, Vec<f32>)]) -> (Vec<u32>, Vec<(u32, u32)>) {
        let mut changed = Vec::with_capacity(step.len());
        for (slot, vector) in step {
            let hash = vector_hash(vector);
            let current = self.graph.points.of_slot(*slot);
            if current.is_none() || writer.twin(&self.graph, vector, hash) != current {
                changed.push((*slot, vector, hash));
            }
        }
        // Old vectors go first: a repair must not come upon points that have no links yet.
        for &(slot, ..) in &changed {
            self.release(writer, slot);
        }
        let (mut fresh, mut bound) = (Vec::new(), Vec::with_capacity(changed.len()));
        for (slot, vector, hash) in changed {
            let point = writer.twin(&self.graph, vector, hash).unwrap_or_else(|| {
                let point = writer.add_point(&self.graph, vector, hash);
                fresh.push(point);
                point
            });
            bound.push((slot, point));
        }
        (fresh, bound)
    }

    /// Takes `slot` out and repairs the graph around its point; false when it held nothing.
    pub fn remove(&self, slot: u32) -> bool {
        let mut writer = self.changing();
        let writer = &mut *writer;
        pool::in_background(|| self.release(writer, slot))
    }

    /// The writer, ready for changes.
    fn changing(&self) -> MutexGuard<'_, Writer> {
        let mut writer = self.writer.lock();
        writer.complete(&self.graph);
        writer
    }

    fn release(&self, writer: &mut Writer, slot: u32) -> bool {
        let Some((point, last)) = self.graph.points.unbind(slot) else {
            return false;
        };
        if last {
            if let Some(codes) = writer.codes.clone() {
                writer.unlink(View::new(&self.graph, &codes), point, self.options.ef_construction);
            }
            writer.free_point(&self.graph, point);
        }
        true
    }

    /// The vector at `slot` as it is stored (of length 1 under [`Metric::Cosine`]).
    #[must_use]
    pub fn get(&self, slot: u32) -> Option<Vec<f32>> {
        let _guard = epoch::pin();
        self.graph.points.of_slot(slot).map(|point| self.graph.vector(point).to_vec())
    }

    /// Whether `slot` holds a vector.
    #[must_use]
    pub fn contains(&self, slot: u32) -> bool {
        self.graph.points.of_slot(slot).is_some()
    }

    /// The slots that hold a vector.
    #[must_use]
    pub fn slots(&self) -> RoaringBitmap {
        self.graph.points.live_slots().collect()
    }

    /// Slots that hold a vector.
    #[must_use]
    pub fn len(&self) -> usize {
        self.graph.points.live()
    }

    /// Whether no slot holds a vector.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Distinct vectors, which is what the graph holds: equal vectors share one point.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.writer.lock().size()
    }

    /// Bytes of vectors, codes, links and maps in memory; hash tables are estimated.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let writer = self.writer.lock();
        self.graph.bytes(writer.upper_rows()).memory + writer.bytes()
    }

    /// Bytes of vectors in files of [`VectorOptions::folder`]: in memory as long as the system has room.
    #[must_use]
    pub fn file_bytes(&self) -> usize {
        self.graph.bytes(0).files
    }
}

/// Points that are linked together when there are `size` already.
fn step(size: usize) -> usize {
    (size / limits::STEP_SHARE).clamp(1, limits::MAX_STEP)
}
