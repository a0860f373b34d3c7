//! Taking points out: the neighbourhood of the removed point is linked through itself, so that no hole stays.

use std::collections::BTreeSet;

use super::graph::Graph;
use super::scratch::Scratch;
use super::select::{Pruned, rank, select};

impl Graph {
    /// Removes `point` from every layer, repairs the lists that named it, and frees its space.
    pub(crate) fn unlink(&mut self, point: u32, ef: usize, scratch: &mut Scratch) {
        let Some(level) = self.level(point) else {
            return;
        };
        if self.entry.is_some_and(|(entry, _)| entry == point) {
            self.entry = self.highest(point);
        }
        for layer in 0..=level {
            self.unlink_layer(layer, point, ef, scratch);
        }
        self.free_point(point);
    }

    fn unlink_layer(&mut self, layer: usize, point: u32, ef: usize, scratch: &mut Scratch) {
        let out = self.out(layer, point).to_vec();
        let sources: BTreeSet<u32> = self.incoming(layer, point).iter().copied().collect();
        self.set_out(layer, point, &[]);
        let mut touched: BTreeSet<u32> = out.iter().copied().collect();
        for &source in &sources {
            let kept = self
                .out(layer, source)
                .iter()
                .copied()
                .filter(|&link| link != point);
            let candidates = rank(self, source, kept.chain(out.iter().copied()));
            let links = select(self, &candidates, self.capacity(layer), Pruned::Drop);
            touched.extend(
                self.out(layer, source)
                    .iter()
                    .copied()
                    .filter(|link| !links.contains(link)),
            );
            self.set_out(layer, source, &links);
        }
        touched.remove(&point);
        for orphan in touched.into_iter().chain(sources) {
            if self.out(layer, orphan).is_empty() {
                self.reconnect(layer, orphan, ef, scratch);
            }
            self.adopt(layer, orphan);
        }
    }

    /// Finds new links for a point that has lost all of its own.
    fn reconnect(&mut self, layer: usize, point: u32, ef: usize, scratch: &mut Scratch) {
        let query = self.vector(point).to_vec();
        let Some(start) = self
            .entry
            .filter(|&(_, top)| top >= layer)
            .and_then(|_| self.descend(&query, layer))
        else {
            return;
        };
        let mut candidates = self.walk(&query, &[start], ef, layer, scratch);
        candidates.retain(|candidate| candidate.point != point);
        let links = select(self, &candidates, self.links, Pruned::Keep);
        self.set_out(layer, point, &links);
    }
}
