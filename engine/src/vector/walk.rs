//! Walking the graph towards a query, without filters.

use super::codes::{Codes, QueryCode, WALK_CARE};
use super::graph::Graph;
use super::scratch::Scratch;
use super::select::Scored;

/// The graph with the codes that a search began with.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) graph: &'a Graph,
    pub(super) codes: &'a Codes,
    /// Points from here on came after the search began.
    pub(super) bound: usize,
}

impl<'a> View<'a> {
    pub(super) fn new(graph: &'a Graph, codes: &'a Codes) -> Self {
        Self { graph, codes, bound: graph.bound().min(codes.bound()) }
    }

    /// Greedy descent from the entry through the layers above `layer`; `None` when the graph is empty, or its entry came after the search began:
    /// these codes may then have no room for it.
    pub(super) fn descend(&self, query: &QueryCode, layer: usize, scratch: &mut Scratch) -> Option<Scored> {
        let (entry, top) = self.graph.entry().filter(|&(entry, _)| (entry as usize) < self.bound)?;
        let mut nearest = self.nearest_of(query, &[entry], f32::INFINITY, scratch)?;
        for layer in (layer + 1..=top).rev() {
            while let Some(better) = self.best_link(query, layer, nearest, scratch) {
                nearest = better;
            }
        }
        Some(nearest)
    }

    fn best_link(&self, query: &QueryCode, layer: usize, than: Scored, scratch: &mut Scratch) -> Option<Scored> {
        let mut points = std::mem::take(&mut scratch.points);
        points.clear();
        points.extend(self.graph.out(layer, than.point).filter(|&link| (link as usize) < self.bound));
        let best = self.nearest_of(query, &points, than.distance, scratch);
        scratch.points = points;
        best.filter(|best| best.distance < than.distance)
    }

    /// The nearest of `points`, where it is nearer than `bound`.
    fn nearest_of(&self, query: &QueryCode, points: &[u32], bound: f32, scratch: &mut Scratch) -> Option<Scored> {
        points.iter().for_each(|&point| self.codes.prefetch(point));
        self.codes.near(query, points, (bound, WALK_CARE), &mut scratch.codes, &mut scratch.scored);
        scratch.scored.iter().min().copied()
    }

    /// Leaves in `scratch.best` the `ef` nearest points that a best-first walk of `layer` from `entries` finds (algorithm 2).
    pub(super) fn walk(&self, query: &QueryCode, entries: &[Scored], ef: usize, layer: usize, scratch: &mut Scratch) {
        scratch.begin(self.bound, ef);
        for &entry in entries {
            if scratch.visit(entry.point) {
                scratch.best.keep(entry);
            }
        }
        while let Some(next) = scratch.best.next() {
            let mut points = std::mem::take(&mut scratch.points);
            // Whether a link leads to a new point cannot be foreseen: all are put down, and the place is kept or used again, without a branch.
            points.resize(self.graph.capacity(layer), 0);
            let mut count = 0;
            for (link, _) in self.graph.out(layer, next.point).zip(0..points.len()) {
                points[count] = link;
                count += usize::from(scratch.visit(link));
            }
            points.truncate(count);
            points.iter().for_each(|&point| self.codes.prefetch(point));
            scratch.distances += points.len();
            let bound = (scratch.best.bound(), WALK_CARE);
            self.codes.near(query, &points, bound, &mut scratch.codes, &mut scratch.scored);
            for &scored in &scratch.scored {
                if scratch.best.keep(scored) && layer == 0 {
                    self.graph.prefetch(scored.point);
                }
            }
            scratch.points = points;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::{VectorIndex, VectorOptions};

    /// A search that held codes while they were made anew came to an entry that was in the new ones only, and panicked.
    #[test]
    fn an_entry_that_came_after_the_search_began_is_not_looked_up_in_its_codes() {
        let options = VectorOptions { m: 4, ef_construction: 8, seed: 4, ..VectorOptions::new(4) };
        let index = VectorIndex::new(options).unwrap();
        let vector = |slot: u32| [1.0, (slot as f32).sin(), (slot as f32 * 0.7).cos(), (slot as f32 * 0.3).sin()];
        let insert = |slots: std::ops::Range<u32>| {
            let vectors: Vec<(u32, [f32; 4])> = slots.map(|slot| (slot, vector(slot))).collect();
            let batch: Vec<(u32, &[f32])> = vectors.iter().map(|(slot, vector)| (*slot, vector.as_slice())).collect();
            index.insert_batch(&batch).unwrap();
        };
        insert(0..1_000);
        let old = index.graph.codes.load_full().unwrap();
        let view = View::new(&index.graph, &old);
        let mut slots = 1_000;
        while index.graph.entry().is_none_or(|(entry, _)| (entry as usize) < old.bound()) {
            insert(slots..slots + 500);
            slots += 500;
        }
        let new = index.graph.codes.load_full().unwrap();
        assert!(new.bound() > old.bound());
        let query = old.query(&vector(7));
        assert!(Scratch::with(|scratch| view.descend(&query, 0, scratch)).is_none());
        assert!(Scratch::with(|scratch| View::new(&index.graph, &new).descend(&query, 0, scratch)).is_some());
    }
}
