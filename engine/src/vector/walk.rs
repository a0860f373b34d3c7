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

    /// Greedy descent from the entry through the layers above `layer`; `None` when the graph is empty.
    pub(super) fn descend(&self, query: &QueryCode, layer: usize, scratch: &mut Scratch) -> Option<Scored> {
        let (entry, top) = self.graph.entry()?;
        let mut nearest = self.scored(query, &[entry], scratch)?;
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
        let best = self.scored(query, &points, scratch);
        scratch.points = points;
        best.filter(|best| best.distance < than.distance)
    }

    /// The nearest of `points`.
    pub(super) fn scored(&self, query: &QueryCode, points: &[u32], scratch: &mut Scratch) -> Option<Scored> {
        scratch.scored.clear();
        points.iter().for_each(|&point| self.codes.prefetch(point));
        self.codes.near(query, points, (f32::INFINITY, WALK_CARE), &mut scratch.codes, &mut scratch.scored);
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
            points.clear();
            for link in self.graph.out(layer, next.point) {
                if scratch.visit(link) {
                    self.codes.prefetch(link);
                    points.push(link);
                }
            }
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
