//! Searching among allowed slots only: a scan by codes, or a walk that hops over points that are not allowed.

use std::cmp::Reverse;

use roaring::RoaringBitmap;

use super::codes::{QueryCode, SCAN_CARE, WALK_CARE};
use super::graph::Graph;
use super::limits::{FILTER_SEEDS, SCAN_PART};
use super::scratch::Scratch;
use super::select::Scored;
use super::walk::View;

/// Share of allowed points from which the walk also goes through points that are not allowed instead of hopping over.
const WALK_THROUGH: f64 = 0.5;

/// Which points a walk may find.
#[derive(Clone, Copy)]
pub(super) struct Allowed<'a> {
    pub(super) slots: &'a RoaringBitmap,
    /// Share of all slots.
    pub(super) share: f64,
}

impl Graph {
    pub(super) fn is_allowed(&self, point: u32, allowed: &RoaringBitmap) -> bool {
        self.points.slots(point).any(|slot| allowed.contains(slot))
    }
}

impl View<'_> {
    /// Leaves in `scratch.best` the `ef` nearest of the points of `slots` by their codes.
    pub(super) fn scan_codes(&self, query: &QueryCode, ef: usize, slots: &RoaringBitmap, scratch: &mut Scratch) {
        scratch.begin(self.bound, ef);
        let mut points = std::mem::take(&mut scratch.points);
        let mut of_slots = slots.iter().filter_map(|slot| self.graph.points.of_slot(slot)).peekable();
        while of_slots.peek().is_some() {
            points.clear();
            points.extend(of_slots.by_ref().take(SCAN_PART).filter(|&point| scratch.visit(point)));
            points.iter().for_each(|&point| self.codes.prefetch(point));
            let bound = (scratch.best.bound(), SCAN_CARE);
            self.codes.near(query, &points, bound, &mut scratch.codes, &mut scratch.scored);
            for &scored in &scratch.scored {
                scratch.best.keep(scored);
            }
        }
        scratch.points = points;
    }

    /// Leaves in `scratch.best` the `ef` nearest allowed points that a walk finds; false when it would cost more than
    /// `budget` distances, which is when comparing all allowed points is the better way.
    pub(super) fn walk_allowed(
        &self,
        query: &QueryCode,
        ef: usize,
        allowed: Allowed<'_>,
        budget: usize,
        scratch: &mut Scratch,
    ) -> bool {
        let Some(start) = self.descend(query, 0, scratch) else {
            return false;
        };
        scratch.begin(self.bound, ef);
        self.enter(start, query, allowed.slots, scratch);
        let mut hop = Vec::new();
        while let Some(Reverse(next)) = scratch.frontier.pop() {
            if next.distance > scratch.best.bound() {
                break;
            }
            if scratch.distances > budget {
                return false;
            }
            self.next_points(next.point, allowed, scratch, &mut hop);
            let bound = (scratch.best.bound(), WALK_CARE);
            self.codes.near(query, &hop, bound, &mut scratch.codes, &mut scratch.scored);
            scratch.distances += hop.len();
            for place in 0..scratch.scored.len() {
                let scored = scratch.scored[place];
                if scored.distance > scratch.best.bound() {
                    continue;
                }
                scratch.frontier.push(Reverse(scored));
                if self.graph.is_allowed(scored.point, allowed.slots) {
                    scratch.best.keep(scored);
                }
            }
        }
        true
    }

    /// Starts at the entry and at a few allowed points spread over the numbers, for filters far from the query.
    fn enter(&self, start: Scored, query: &QueryCode, allowed: &RoaringBitmap, scratch: &mut Scratch) {
        let step = (allowed.len() / FILTER_SEEDS as u64).max(1);
        let seeds = (0..FILTER_SEEDS as u64).filter_map(|seed| allowed.select((seed * step) as u32));
        let seeds = seeds.filter_map(|slot| self.graph.points.of_slot(slot));
        let mut seeds: Vec<u32> = seeds.filter(|&point| scratch.visit(point) && point != start.point).collect();
        seeds.retain(|&point| (point as usize) < self.bound);
        self.codes.near(query, &seeds, (f32::INFINITY, WALK_CARE), &mut scratch.codes, &mut scratch.scored);
        scratch.visit(start.point);
        scratch.scored.push(start);
        scratch.distances += scratch.scored.len();
        for place in 0..scratch.scored.len() {
            let entry = scratch.scored[place];
            scratch.frontier.push(Reverse(entry));
            if self.graph.is_allowed(entry.point, allowed) {
                scratch.best.keep(entry);
            }
        }
    }

    /// Unvisited points to compare next: the links of `point` where most points are allowed, else its allowed links and
    /// the allowed links of the others (two hops, after ACORN-1, Patel et al. 2024).
    fn next_points(&self, point: u32, allowed: Allowed<'_>, scratch: &mut Scratch, into: &mut Vec<u32>) {
        into.clear();
        for link in self.graph.out(0, point) {
            if !scratch.visit(link) {
                continue;
            }
            if allowed.share >= WALK_THROUGH || self.graph.is_allowed(link, allowed.slots) {
                into.push(link);
                continue;
            }
            for second in self.graph.out(0, link) {
                if (second as usize) < self.bound
                    && self.graph.is_allowed(second, allowed.slots)
                    && scratch.visit(second)
                {
                    into.push(second);
                }
            }
        }
    }
}
