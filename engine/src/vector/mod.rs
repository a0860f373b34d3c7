//! The vector index: our own HNSW graph over caller-given slots, with exact scan, filters and in-place deletes.
//!
//! After Malkov & Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable
//! Small World graphs" (arXiv 1603.09320). Searches run concurrently with each other and with the planning part of
//! inserts. Do not call [`VectorIndex::insert`] or [`VectorIndex::remove`] from inside a rayon task: inserts use
//! rayon's pool while they hold the writer's lock.

mod build;
mod error;
mod filtered;
mod graph;
pub mod limits;
mod mapped;
pub mod maxsim;
mod metric;
mod points;
mod repair;
mod rows;
mod scratch;
mod search;
mod select;
mod similarity;
mod walk;

use parking_lot::{Mutex, RwLock};
use roaring::RoaringBitmap;

pub use self::error::VectorError;
pub(crate) use self::mapped::map_unnamed;
pub use self::metric::Metric;
pub use self::search::{Hit, VectorQuery};

use self::build::Fresh;
use self::graph::Graph;
use self::points::vector_hash;
use self::scratch::Pool;

/// How an index is built and searched; fixed for its life.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorOptions {
    /// Components of every vector, 1 to [`limits::MAX_DIMENSION`].
    pub dimension: usize,
    /// How vectors are compared.
    pub metric: Metric,
    /// Links a point has in the upper layers (`M`), in [`limits::LINKS`]; twice as many on the ground.
    pub m: usize,
    /// Points looked at when a new one is linked (`efConstruction`), `m` to [`limits::MAX_EF`].
    pub ef_construction: usize,
    /// Points looked at by a search that does not say (`ef`), 1 to [`limits::MAX_EF`].
    pub ef_search: usize,
    /// Seed of the levels: equal inputs in equal order give equal graphs.
    pub seed: u64,
    /// Up to this many points (allowed ones, under a filter) a search compares all of them.
    pub exact_below: usize,
}

impl VectorOptions {
    /// The measured defaults for vectors of `dimension` components.
    #[must_use]
    pub fn new(dimension: usize) -> Self {
        Self {
            dimension,
            metric: Metric::Cosine,
            m: 16,
            ef_construction: 200,
            ef_search: 128,
            seed: 42,
            exact_below: 2_000,
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
    graph: RwLock<Graph>,
    /// Held through a whole change; `graph` is locked for writing only while planned changes are applied.
    writer: Mutex<()>,
    pool: Pool,
}

impl VectorIndex {
    /// Makes an empty index.
    ///
    /// # Errors
    /// [`VectorError::Options`] when an option is out of its range.
    pub fn new(options: VectorOptions) -> Result<Self, VectorError> {
        options.check()?;
        let graph = Graph::new(options.metric, options.dimension, options.m, options.seed);
        Ok(Self { options, graph: RwLock::new(graph), writer: Mutex::new(()), pool: Pool::default() })
    }

    /// The options the index was made with.
    #[must_use]
    pub fn options(&self) -> &VectorOptions {
        &self.options
    }

    /// Puts `vector` at `slot`, replacing what was there. It is found by every search that starts after this returns.
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
        let _writer = self.writer.lock();
        let prepared: Vec<(u32, Vec<f32>)> = prepared.into_iter().collect();
        let mut rest = prepared.as_slice();
        while !rest.is_empty() {
            let step = (self.graph.read().size() / limits::STEP_SHARE).clamp(1, limits::MAX_STEP).min(rest.len());
            let (now, later) = rest.split_at(step);
            self.link_step(now);
            rest = later;
        }
        Ok(())
    }

    fn link_step(&self, step: &[(u32, Vec<f32>)]) {
        let fresh = self.place(step);
        if fresh.is_empty() {
            return;
        }
        let lists = build::plan(&self.graph.read(), &fresh, self.options.ef_construction, &self.pool);
        build::apply(&mut self.graph.write(), &fresh, &lists);
    }

    /// Binds slots to points; returns the points that are new and need links.
    fn place(&self, step: &[(u32, Vec<f32>)]) -> Vec<Fresh> {
        let mut graph = self.graph.write();
        let mut changed = Vec::with_capacity(step.len());
        for (slot, vector) in step {
            let hash = vector_hash(vector);
            let current = graph.points.of_slot(*slot);
            if current.is_none() || graph.twin(vector, hash) != current {
                changed.push((*slot, vector, hash));
            }
        }
        // Old vectors go first: a repair must not come upon points that have no links yet.
        for &(slot, ..) in &changed {
            self.release(&mut graph, slot);
        }
        let mut fresh = Vec::new();
        for (slot, vector, hash) in changed {
            let point = graph.twin(vector, hash).unwrap_or_else(|| {
                let (point, level) = graph.add_point(vector);
                graph.points.remember(hash, point);
                fresh.push(Fresh { point, level });
                point
            });
            graph.points.bind(slot, point);
        }
        fresh
    }

    /// Takes `slot` out and repairs the graph around its point; false when it held nothing.
    pub fn remove(&self, slot: u32) -> bool {
        let _writer = self.writer.lock();
        self.release(&mut self.graph.write(), slot)
    }

    fn release(&self, graph: &mut Graph, slot: u32) -> bool {
        let Some((point, last)) = graph.points.unbind(slot) else {
            return false;
        };
        if last {
            let hash = graph.hash_of(point);
            graph.points.forget(hash, point);
            self.pool.with(|scratch| graph.unlink(point, self.options.ef_construction, scratch));
        }
        true
    }

    /// The vector at `slot` as it is stored (of length 1 under [`Metric::Cosine`]).
    #[must_use]
    pub fn get(&self, slot: u32) -> Option<Vec<f32>> {
        let graph = self.graph.read();
        graph.points.of_slot(slot).map(|point| graph.vector(point).to_vec())
    }

    /// Whether `slot` holds a vector.
    #[must_use]
    pub fn contains(&self, slot: u32) -> bool {
        self.graph.read().points.live().contains(slot)
    }

    /// The slots that hold a vector.
    #[must_use]
    pub fn slots(&self) -> RoaringBitmap {
        self.graph.read().points.live().clone()
    }

    /// Slots that hold a vector.
    #[must_use]
    pub fn len(&self) -> usize {
        self.graph.read().points.live().len() as usize
    }

    /// Whether no slot holds a vector.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Distinct vectors, which is what the graph holds: equal vectors share one point.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.graph.read().size()
    }

    /// Resident bytes of vectors, links and maps, spare capacity included; hash tables are estimated.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.graph.read().bytes() + self.pool.bytes()
    }
}
