//! Taking points out: the neighbourhood of the removed point is linked through itself, so that no hole stays.

use std::collections::BTreeSet;

use super::graph::Graph;
use super::limits::REPLACEMENTS;
use super::scratch::Scratch;
use super::select::{Pruned, Scored, rank, select};

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
        let around: BTreeSet<u32> = out.iter().chain(&sources).copied().collect();
        self.set_out(layer, point, &[]);
        for &source in &sources {
            let links = self.without(layer, source, point, &around);
            self.set_out(layer, source, &links);
        }
        for orphan in around {
            if self.out(layer, orphan).is_empty() {
                self.reconnect(layer, orphan, ef, scratch);
            }
            self.adopt(layer, orphan);
        }
    }

    /// The links of `source` with the one to `gone` replaced: by the nearest of the points around `gone` that the links
    /// that stay do not cover already, or simply the nearest when few links are left.
    fn without(&self, layer: usize, source: u32, gone: u32, around: &BTreeSet<u32>) -> Vec<u32> {
        let mut links: Vec<u32> = self.out(layer, source).iter().copied().filter(|&link| link != gone).collect();
        let candidates = around.iter().copied().filter(|candidate| !links.contains(candidate));
        let candidates = rank(self, source, candidates);
        let is_new =
            |candidate: &&Scored| links.iter().all(|&link| self.distance(candidate.point, link) >= candidate.distance);
        let room = self.capacity(layer) - links.len();
        let mut fresh: Vec<u32> =
            candidates.iter().filter(is_new).map(|candidate| candidate.point).take(room.min(REPLACEMENTS)).collect();
        if fresh.is_empty() && links.len() < self.links {
            fresh.extend(candidates.first().map(|nearest| nearest.point));
        }
        links.append(&mut fresh);
        links
    }

    /// Finds new links for a point that has lost all of its own.
    fn reconnect(&mut self, layer: usize, point: u32, ef: usize, scratch: &mut Scratch) {
        let query = self.vector(point).to_vec();
        let Some(start) = self.entry.filter(|&(_, top)| top >= layer).and_then(|_| self.descend(&query, layer)) else {
            return;
        };
        let mut candidates = self.walk(&query, &[start], ef, layer, scratch);
        candidates.retain(|candidate| candidate.point != point);
        let links = select(self, &candidates, self.links, Pruned::Keep);
        self.set_out(layer, point, &links);
    }
}
