//! Taking points out: the neighbourhood of the removed point is linked through itself, so that no hole stays.

use std::collections::BTreeSet;

use super::scratch::Scratch;
use super::select::{Pruned, rank};
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
        for layer in 0..=level {
            self.unlink_layer(view, layer, point, ef);
        }
    }

    fn unlink_layer(&mut self, view: View<'_>, layer: usize, point: u32, ef: usize) {
        let out: Vec<u32> = view.graph.out(layer, point).collect();
        let sources: BTreeSet<u32> = self.incoming(view.graph, layer, point).collect();
        let around: BTreeSet<u32> = out.iter().chain(&sources).copied().collect();
        for &source in &sources {
            let links = self.without(view, layer, source, point, &around);
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

    /// The links of `source` without the one to `gone`, chosen anew among those that are left and the points around `gone` (as
    /// in FreshDiskANN: Singh et al., arXiv 2105.09613); no fewer than before where there are enough.
    fn without(&self, view: View<'_>, layer: usize, source: u32, gone: u32, around: &BTreeSet<u32>) -> Vec<u32> {
        let before: Vec<u32> = view.graph.out(layer, source).collect();
        let candidates = before.iter().chain(around).copied().filter(|&candidate| candidate != gone);
        let ranked = rank(view, source, candidates);
        Scratch::with(|scratch| {
            let room = &mut scratch.select;
            let mut links = room.select(view, source, &ranked, view.graph.capacity(layer), Pruned::Drop);
            let rest = ranked.iter().map(|candidate| candidate.point).filter(|point| before.contains(point));
            let kept: Vec<u32> = rest.filter(|point| !links.contains(point)).collect();
            links.extend(kept.into_iter().take(before.len().saturating_sub(links.len())));
            links
        })
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
