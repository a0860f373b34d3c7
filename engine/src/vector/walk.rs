//! Walking the graph towards a query, without filters.

use std::cmp::Reverse;

use super::graph::Graph;
use super::scratch::Scratch;
use super::select::Scored;

impl Graph {
    /// Greedy descent from the entry through the layers above `layer`; `None` when the graph is empty.
    pub(crate) fn descend(&self, query: &[f32], layer: usize) -> Option<Scored> {
        let (entry, top) = self.entry?;
        let mut nearest = self.scored(query, entry);
        for layer in (layer + 1..=top).rev() {
            while let Some(better) = self.best_link(query, layer, nearest) {
                nearest = better;
            }
        }
        Some(nearest)
    }

    fn best_link(&self, query: &[f32], layer: usize, than: Scored) -> Option<Scored> {
        let links = self.out(layer, than.point).iter().map(|&link| self.scored(query, link));
        links.min().filter(|best| best.distance < than.distance)
    }

    /// The `ef` nearest points that a best-first walk of `layer` from `entries` finds, nearest first (algorithm 2).
    pub(crate) fn walk(
        &self,
        query: &[f32],
        entries: &[Scored],
        ef: usize,
        layer: usize,
        scratch: &mut Scratch,
    ) -> Vec<Scored> {
        scratch.begin(self.bound());
        for &entry in entries {
            if scratch.visit(entry.point) {
                scratch.frontier.push(Reverse(entry));
                scratch.keep(entry, ef);
            }
        }
        while let Some(Reverse(next)) = scratch.frontier.pop() {
            if scratch.is_done(next, ef) {
                break;
            }
            for &link in self.out(layer, next.point) {
                if scratch.visit(link) {
                    let scored = self.scored(query, link);
                    scratch.distances += 1;
                    if !scratch.is_done(scored, ef) {
                        scratch.frontier.push(Reverse(scored));
                        scratch.keep(scored, ef);
                    }
                }
            }
        }
        scratch.drain()
    }
}

impl Scratch {
    /// Whether nothing at this distance or beyond can be among the best `ef`.
    #[inline]
    pub(crate) fn is_done(&self, scored: Scored, ef: usize) -> bool {
        self.found.len() >= ef && self.found.peek().is_some_and(|&worst| scored > worst)
    }

    /// Adds a result, dropping the worst beyond `ef`.
    #[inline]
    pub(crate) fn keep(&mut self, scored: Scored, ef: usize) {
        self.found.push(scored);
        if self.found.len() > ef {
            self.found.pop();
        }
    }
}
