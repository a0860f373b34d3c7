//! Taking points out: the neighbourhood of the removed point is linked through itself, so that no hole stays.

use std::collections::BTreeSet;

use super::limits::REPLACEMENTS;
use super::scratch::Scratch;
use super::select::{Pruned, rank_for};
use super::walk::View;
use super::writer::Writer;

impl Writer {
    /// Removes `point` from every layer, and repairs the lists that named it.
    pub(super) fn unlink(&mut self, view: View<'_>, point: u32, ef: usize) {
        let Some(level) = self.level(point) else {
            return;
        };
        if view.graph.entry().is_some_and(|(entry, _)| entry == point) {
            view.graph.set_entry(self.highest(point));
        }
        let led_to: Vec<u32> = view.graph.lasting(0, point).collect();
        for layer in 0..=level {
            self.unlink_layer(view, layer, point, ef);
        }
        self.bring_within_reach(view, &led_to);
    }

    fn unlink_layer(&mut self, view: View<'_>, layer: usize, point: u32, ef: usize) {
        let out: Vec<u32> = view.graph.out(layer, point).collect();
        let sources: BTreeSet<u32> = self.incoming(view.graph, layer, point).collect();
        let around: BTreeSet<u32> = out.iter().chain(&sources).copied().collect();
        for &source in &sources {
            let links = Self::without(view, layer, source, point, &around);
            self.set_out(view.graph, layer, source, &links);
        }
        self.set_out(view.graph, layer, point, &[]);
        for orphan in around {
            if view.graph.out(layer, orphan).next().is_none() {
                self.reconnect(view, layer, orphan, ef);
            }
            self.adopt(view, layer, orphan);
        }
    }

    /// The links of `source` without the one to `gone`, and in its place the nearest of the points around `gone` that no other link covers (in the manner of
    /// Xu et al.: "In-Place Updates of a Graph Index for Streaming Approximate Nearest Neighbor Search", arXiv 2502.13826). The other links stay as they are.
    fn without(view: View<'_>, layer: usize, source: u32, gone: u32, around: &BTreeSet<u32>) -> Vec<u32> {
        let mut links: Vec<u32> = view.graph.out(layer, source).filter(|&link| link != gone).collect();
        let others = around.iter().copied().filter(|other| *other != gone && !links.contains(other));
        let ranked = rank_for(view, &view.codes.query_of(source), source, others);
        // The nearest of all where each is covered: lists that lose links and get none wear out.
        let replacement = Scratch::with(|scratch| {
            let mut nearest = ranked.iter().take(REPLACEMENTS);
            let uncovered = nearest.find(|&&candidate| !scratch.select.is_covered(view, source, candidate, &links));
            uncovered.or(ranked.first()).copied()
        });
        links.extend(replacement.map(|candidate| candidate.point));
        links
    }

    /// Finds new links for a point that has lost all of its own.
    fn reconnect(&mut self, view: View<'_>, layer: usize, point: u32, ef: usize) {
        let query = view.codes.query(view.graph.vector(point));
        let candidates = Scratch::with(|scratch| {
            view.graph.entry().filter(|&(_, top)| top >= layer)?;
            let start = view.descend(&query, layer, scratch)?;
            view.walk(&query, &[start], ef, layer, scratch);
            Some(scratch.best.iter().filter(|found| found.point != point).collect::<Vec<_>>())
        });
        let candidates = candidates.unwrap_or_default();
        let links =
            Scratch::with(|scratch| scratch.select.select(view, point, &candidates, view.graph.links, Pruned::Keep));
        self.set_out(view.graph, layer, point, &links);
    }
}
