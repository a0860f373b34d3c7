//! Answering a query: which way to search, exact distances of what was found, and from points back to slots.

use crossbeam_epoch as epoch;
use roaring::RoaringBitmap;

use super::codes::Codes;
use super::error::VectorError;
use super::filtered::Allowed;
use super::graph::Graph;
use super::limits::{MAX_EF, MAX_SCANS, SCAN_PACE, WALK_COST};
use super::scratch::{QueryRoom, Scratch};
use super::select::Scored;
use super::walk::View;
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
    /// Found points whose vectors are compared, at least `k`; all that their codes cannot rule out when nothing is said.
    pub rescore: Option<usize>,
    /// Compare every allowed vector: the true answer.
    pub exact: bool,
}

impl VectorIndex {
    /// The `k` slots nearest to `query`, best first, equal scores by slot; fewer only when fewer are allowed. Scores are those of the
    /// vectors themselves, whatever way they were found.
    ///
    /// # Errors
    /// When the query vector is refused.
    pub fn search(&self, query: &[f32], k: usize, how: &VectorQuery<'_>) -> Result<Vec<Hit>, VectorError> {
        // What this search reads stays as it is until the guard is dropped.
        let _guard = epoch::pin();
        Scratch::with(|scratch| {
            let mut room = std::mem::take(&mut scratch.query);
            self.options().metric.prepare_into(query, self.options().dimension, &mut room.prepared)?;
            let search = Search { graph: &self.graph, options: self.options(), k, how };
            let hits = search.run(&mut room, scratch);
            scratch.query = room;
            Ok(hits)
        })
    }
}

impl VectorIndex {
    /// Whether a search as [`VectorIndex::search`] does it compares all allowed vectors, so that its answer is the true one.
    #[must_use]
    pub fn is_exact(&self, k: usize, how: &VectorQuery<'_>) -> bool {
        let search = Search { graph: &self.graph, options: self.options(), k, how };
        let candidates = search.candidates();
        search.is_exact(candidates, search.ef(k.min(candidates))) || self.graph.codes.load().is_none()
    }
}

struct Search<'a> {
    graph: &'a Graph,
    options: &'a VectorOptions,
    k: usize,
    how: &'a VectorQuery<'a>,
}

impl Search<'_> {
    fn run(&self, query: &mut QueryRoom, scratch: &mut Scratch) -> Vec<Hit> {
        let candidates = self.candidates();
        let k = self.k.min(candidates);
        if k == 0 {
            return Vec::new();
        }
        let ef = self.ef(k);
        if !self.is_exact(candidates, ef)
            && let Some(codes) = self.graph.codes.load().as_ref()
        {
            let hits = self.approximate(codes, query, k, ef, candidates, scratch);
            if hits.len() == k {
                return hits;
            }
        }
        self.exact(&query.prepared, scratch)
    }

    /// Compares every allowed vector, and does so again when slots left meanwhile and others should be in their place.
    fn exact(&self, query: &[f32], scratch: &mut Scratch) -> Vec<Hit> {
        let mut hits = Vec::new();
        for _ in 0..MAX_SCANS {
            // What was live when the search began does not count here: slots that came since must not push out others.
            self.graph.scan(query, self.k, self.how.allowed, scratch);
            let moved;
            (hits, moved) = self.hits(&scratch.exact, self.k);
            // Each point was found by one of its slots: where `k` points have fewer slots, some are gone.
            if hits.len() == self.k || (scratch.exact.len() < self.k && !moved) {
                break;
            }
        }
        hits
    }

    /// How many slots can be found. An upper bound: some of the allowed slots may hold nothing.
    fn candidates(&self) -> usize {
        let live = self.graph.points.live();
        self.how.allowed.map_or(live, |allowed| live.min(allowed.len() as usize))
    }

    fn ef(&self, k: usize) -> usize {
        self.how.ef.unwrap_or(self.options.ef_search).max(k)
    }

    fn is_exact(&self, candidates: usize, ef: usize) -> bool {
        // Allowed points are compared by their codes first, however few they are.
        let few = if self.how.allowed.is_some() { 0 } else { self.options.exact_below };
        self.how.exact || candidates <= few || candidates <= ef || ef > MAX_EF
    }

    fn approximate(
        &self,
        codes: &Codes,
        query: &mut QueryRoom,
        k: usize,
        ef: usize,
        candidates: usize,
        scratch: &mut Scratch,
    ) -> Vec<Hit> {
        let view = View::new(self.graph, codes);
        codes.query_into(&query.prepared, &mut query.turned, &mut query.code);
        match self.how.allowed {
            None => {
                let Some(start) = view.descend(&query.code, 0, scratch) else { return Vec::new() };
                view.walk(&query.code, &[start], ef, 0, scratch);
            }
            Some(slots) => {
                let share = candidates as f64 / self.graph.points.live() as f64;
                // What comparing all allowed points would cost, in points of a walk, and what a walk will take.
                let scan = candidates / SCAN_PACE;
                let walk = (ef * WALK_COST) as f64 / share;
                let allowed = Allowed { slots, share };
                // Where the allowed points are not near the query the walk finds out too late: the scan then follows.
                if scan as f64 <= walk || !view.walk_allowed(&query.code, ef, allowed, scan, scratch) {
                    view.scan_codes(&query.code, ef, slots, scratch);
                }
            }
        }
        self.exactly(view, query, k, scratch);
        self.hits(&scratch.exact, k).0
    }

    /// Leaves in `scratch.exact` the found points with their exact distances, nearest first: all that may be among the best `k`, going by
    /// what their codes may be wrong.
    fn exactly(&self, view: View<'_>, query: &QueryRoom, k: usize, scratch: &mut Scratch) {
        let exact = &mut scratch.exact;
        exact.clear();
        let mut worst = f32::INFINITY;
        let most = self.how.rescore.map_or(usize::MAX, |most| most.max(k));
        for candidate in scratch.best.iter().take(most) {
            if candidate.distance - view.codes.error(&query.code, candidate.point) > worst {
                continue;
            }
            let scored = self.graph.scored(&query.prepared, candidate.point);
            exact.insert(exact.partition_point(|other| *other < scored), scored);
            if exact.len() >= k {
                worst = exact[k - 1].distance;
            }
        }
    }

    /// The best `k` slots of the found points (nearest first), and whether a slot was met at two of them: then others may be missing.
    fn hits(&self, found: &[Scored], k: usize) -> (Vec<Hit>, bool) {
        let mut hits: Vec<Hit> = Vec::with_capacity(k.min(found.len()));
        let mut slots = Vec::new();
        let mut last = None;
        for scored in found {
            // Points at exactly the distance of the k-th are still taken in, so that ties go by slot.
            if hits.len() >= k && last != Some(scored.distance) {
                break;
            }
            last = Some(scored.distance);
            let score = self.graph.metric.score(scored.distance);
            slots.clear();
            slots.extend(self.graph.points.slots(scored.point));
            slots.retain(|&slot| self.how.allowed.is_none_or(|allowed| allowed.contains(slot)));
            // A slot that comes back while its chain is followed is met twice.
            slots.sort_unstable();
            slots.dedup();
            hits.extend(slots.iter().map(|&slot| Hit { slot, score }));
        }
        // One that goes from point to point may be met at both: it is where it is nearer.
        hits.sort_unstable_by(|a, b| a.slot.cmp(&b.slot).then(b.score.total_cmp(&a.score)));
        let met = hits.len();
        hits.dedup_by_key(|hit| hit.slot);
        let moved = hits.len() < met;
        hits.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.slot.cmp(&b.slot)));
        hits.truncate(k);
        (hits, moved)
    }
}
