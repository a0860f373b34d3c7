//! Answering a query: which way to search, and from points back to slots.

use roaring::RoaringBitmap;

use super::error::VectorError;
use super::graph::Graph;
use super::limits::MAX_EF;
use super::scratch::Scratch;
use super::select::Scored;
use super::{VectorIndex, VectorOptions};

/// A slot that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The slot.
    pub slot: u32,
    /// Similarity under the index's metric, larger is nearer: -1 to 1 for cosine.
    pub score: f32,
}

/// How one search is done; the default is an unfiltered search with the index's own effort.
#[derive(Debug, Clone, Copy, Default)]
pub struct VectorQuery<'a> {
    /// Points to look at; more finds better and takes longer. At least `k` is used whatever is said here.
    pub ef: Option<usize>,
    /// Slots that may be found; slots in it that hold nothing are ignored.
    pub allowed: Option<&'a RoaringBitmap>,
    /// Compare every allowed vector: the true answer.
    pub exact: bool,
}

impl VectorIndex {
    /// The `k` slots nearest to `query`, best first, equal scores by slot; fewer only when fewer are allowed.
    ///
    /// # Errors
    /// When the query vector is refused.
    pub fn search(&self, query: &[f32], k: usize, how: &VectorQuery<'_>) -> Result<Vec<Hit>, VectorError> {
        let query = self.options().metric.prepare(query, self.options().dimension)?;
        let graph = self.graph.read();
        let search = Search { graph: &graph, options: self.options(), query: &query, k, how };
        Ok(self.pool.with(|scratch| search.run(scratch)))
    }
}

struct Search<'a> {
    graph: &'a Graph,
    options: &'a VectorOptions,
    query: &'a [f32],
    k: usize,
    how: &'a VectorQuery<'a>,
}

impl Search<'_> {
    fn run(&self, scratch: &mut Scratch) -> Vec<Hit> {
        let live = self.graph.points.live();
        let candidates = self.how.allowed.map_or(live.len(), |allowed| live.intersection_len(allowed)) as usize;
        let k = self.k.min(candidates);
        if k == 0 {
            return Vec::new();
        }
        let ef = self.how.ef.unwrap_or(self.options.ef_search).max(k);
        let exact = self.how.exact || candidates <= self.options.exact_below || candidates <= ef || ef > MAX_EF;
        if !exact && let Some(found) = self.approximate(ef, candidates, scratch) {
            let hits = self.hits(&found, k);
            if hits.len() == k {
                return hits;
            }
        }
        self.hits(&self.graph.scan(self.query, k, self.how.allowed, scratch), k)
    }

    fn approximate(&self, ef: usize, candidates: usize, scratch: &mut Scratch) -> Option<Vec<Scored>> {
        let Some(allowed) = self.how.allowed else {
            let start = self.graph.descend(self.query, 0)?;
            return Some(self.graph.walk(self.query, &[start], ef, 0, scratch));
        };
        let share = candidates as f64 / self.graph.points.live().len() as f64;
        self.graph.walk_allowed(self.query, ef, allowed, share, candidates / 2, scratch)
    }

    /// The best `k` slots of the found points (nearest first).
    fn hits(&self, found: &[Scored], k: usize) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::with_capacity(k);
        let mut last = None;
        for scored in found {
            // Points at exactly the distance of the k-th are still taken in, so that ties go by slot.
            if hits.len() >= k && last != Some(scored.distance) {
                break;
            }
            last = Some(scored.distance);
            let score = self.graph.metric.score(scored.distance);
            let slots = self.graph.points.slots(scored.point);
            let slots = slots.filter(|&slot| self.how.allowed.is_none_or(|allowed| allowed.contains(slot)));
            hits.extend(slots.map(|slot| Hit { slot, score }));
        }
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.slot.cmp(&b.slot)));
        hits.truncate(k);
        hits
    }
}
