//! Searching among allowed slots only: exact scan, or a walk that hops over points that are not allowed.

use std::cmp::Reverse;

use roaring::RoaringBitmap;

use super::graph::Graph;
use super::limits::FILTER_SEEDS;
use super::scratch::Scratch;
use super::select::Scored;

/// Share of allowed points from which the walk also goes through points that are not allowed instead of hopping over.
const WALK_THROUGH: f64 = 0.5;

impl Graph {
    /// The `k` nearest allowed points by comparing every one of them, nearest first.
    pub(crate) fn scan(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&RoaringBitmap>,
        scratch: &mut Scratch,
    ) -> Vec<Scored> {
        scratch.begin(self.bound());
        let live = self.points.live();
        match allowed {
            None => self.scan_slots(query, k, live.iter(), scratch),
            Some(allowed) if allowed.len() <= live.len() => self.scan_slots(query, k, allowed.iter(), scratch),
            Some(allowed) => self.scan_slots(query, k, live.iter().filter(|&slot| allowed.contains(slot)), scratch),
        }
        scratch.drain()
    }

    fn scan_slots(&self, query: &[f32], k: usize, slots: impl Iterator<Item = u32>, scratch: &mut Scratch) {
        for point in slots.filter_map(|slot| self.points.of_slot(slot)) {
            if scratch.visit(point) {
                let scored = self.scored(query, point);
                scratch.distances += 1;
                if !scratch.is_done(scored, k) {
                    scratch.keep(scored, k);
                }
            }
        }
    }

    fn is_allowed(&self, point: u32, allowed: &RoaringBitmap) -> bool {
        self.points.slots(point).any(|slot| allowed.contains(slot))
    }

    /// The `ef` nearest allowed points that a walk finds, nearest first; `None` when it would cost more than
    /// `budget` distances, which is when comparing all allowed points is the better way.
    pub(crate) fn walk_allowed(
        &self,
        query: &[f32],
        ef: usize,
        allowed: &RoaringBitmap,
        share: f64,
        budget: usize,
        scratch: &mut Scratch,
    ) -> Option<Vec<Scored>> {
        let start = self.descend(query, 0)?;
        scratch.begin(self.bound());
        self.enter(start, query, ef, allowed, scratch);
        let mut hop = Vec::new();
        while let Some(Reverse(next)) = scratch.frontier.pop() {
            if scratch.is_done(next, ef) {
                break;
            }
            if scratch.distances > budget {
                return None;
            }
            hop.clear();
            self.next_points(next.point, allowed, share, scratch, &mut hop);
            for &(point, is_allowed) in &hop {
                let scored = self.scored(query, point);
                scratch.distances += 1;
                if !scratch.is_done(scored, ef) {
                    scratch.frontier.push(Reverse(scored));
                    if is_allowed {
                        scratch.keep(scored, ef);
                    }
                }
            }
        }
        Some(scratch.drain())
    }

    /// Starts at the entry and at a few allowed points spread over the numbers, for filters far from the query.
    fn enter(&self, start: Scored, query: &[f32], ef: usize, allowed: &RoaringBitmap, scratch: &mut Scratch) {
        let step = (allowed.len() / FILTER_SEEDS as u64).max(1);
        let seeds = (0..FILTER_SEEDS as u64).filter_map(|seed| allowed.select((seed * step) as u32));
        let seeds = seeds.filter_map(|slot| self.points.of_slot(slot)).map(|point| self.scored(query, point));
        for entry in std::iter::once(start).chain(seeds) {
            if scratch.visit(entry.point) {
                scratch.distances += 1;
                scratch.frontier.push(Reverse(entry));
                if self.is_allowed(entry.point, allowed) {
                    scratch.keep(entry, ef);
                }
            }
        }
    }

    /// Unvisited points to compare next, and whether each is allowed: the links of `point` where most points are
    /// allowed, else its allowed links and the allowed links of the others (two hops, after ACORN-1, Patel et al. 2024).
    fn next_points(
        &self,
        point: u32,
        allowed: &RoaringBitmap,
        share: f64,
        scratch: &mut Scratch,
        into: &mut Vec<(u32, bool)>,
    ) {
        for &link in self.out(0, point) {
            if !scratch.visit(link) {
                continue;
            }
            if self.is_allowed(link, allowed) {
                into.push((link, true));
            } else if share >= WALK_THROUGH {
                into.push((link, false));
            } else {
                for &second in self.out(0, link) {
                    if self.is_allowed(second, allowed) && scratch.visit(second) {
                        into.push((second, true));
                    }
                }
            }
        }
    }
}
