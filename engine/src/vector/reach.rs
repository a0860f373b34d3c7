//! Keeping every point within reach of a search for it.
//!
//! Lists keep near links, so a point that lies alone, with many others nearer to each of its neighbours, may be in none of their lists: a search for it comes to all
//! that is around it and not to the point itself. Each change of the graph therefore looks for some points in turn, with little effort, and gives those that
//! are not found a link that lasts.

use rayon::prelude::*;

use super::limits::{REACH_EF, REACH_PARENTS, REACH_TURNS};
use super::scratch::Scratch;
use super::select::rank;
use super::walk::View;
use super::writer::Writer;

impl Writer {
    /// Looks for the points whose turn it is after so many changes.
    pub(super) fn keep_within_reach(&mut self, view: View<'_>, changes: usize) {
        let points: Vec<u32> = (0..changes * REACH_TURNS).map(|_| self.next_in_turn()).collect();
        self.bring_within_reach(view, &points);
    }

    /// Looks for `points`, and links those that are not found from where searches for them end.
    pub(super) fn bring_within_reach(&mut self, view: View<'_>, points: &[u32]) {
        let is_linked = |point: u32| self.level(point).is_some() && view.graph.out(0, point).next().is_some();
        let mut points: Vec<u32> = points.iter().copied().filter(|&point| is_linked(point)).collect();
        points.sort_unstable();
        points.dedup();
        let astray = |&point: &u32| found_instead(view, point).map(|parents| (point, parents));
        let astray: Vec<(u32, Vec<u32>)> = match points.len() {
            0 | 1 => points.iter().filter_map(astray).collect(),
            _ => points.par_iter().filter_map(astray).collect(),
        };
        for (point, parents) in astray {
            if let Some(parent) = self.link_from(view, 0, &parents, point) {
                view.graph.let_last(0, parent, point);
            }
        }
    }

    /// Gives `point` an incoming link when it has none: from the nearest point it links to.
    pub(super) fn adopt(&mut self, view: View<'_>, layer: usize, point: u32) {
        if self.incoming(view.graph, layer, point).next().is_some() {
            return;
        }
        let parents = rank(view, point, view.graph.out(layer, point));
        let parents: Vec<u32> = parents.iter().map(|parent| parent.point).collect();
        self.link_from(view, layer, &parents, point);
    }

    /// Links to `point` from the first of `parents` that has room, or a link whose target can spare it; returns that parent.
    fn link_from(&mut self, view: View<'_>, layer: usize, parents: &[u32], point: u32) -> Option<u32> {
        let graph = view.graph;
        for &parent in parents {
            let mut out: Vec<u32> = graph.out(layer, parent).collect();
            if out.contains(&point) {
                return Some(parent);
            }
            if out.len() < graph.capacity(layer) {
                out.push(point);
            } else {
                let ranked = rank(view, parent, out.iter().copied());
                let is_lasting = |link: u32| graph.lasting(layer, parent).any(|lasting| lasting == link);
                let can_spare = |link: u32| self.incoming(graph, layer, link).nth(1).is_some() && !is_lasting(link);
                let spare = ranked.iter().rev().find(|link| can_spare(link.point));
                let Some(place) = spare.and_then(|spare| out.iter().position(|&link| link == spare.point)) else {
                    continue;
                };
                out[place] = point;
            }
            self.set_out(graph, layer, parent, &out);
            return Some(parent);
        }
        None
    }
}

/// The nearest points that a search for `point` finds when it does not find the point itself.
fn found_instead(view: View<'_>, point: u32) -> Option<Vec<u32>> {
    Scratch::with(|scratch| {
        let query = view.codes.query(view.graph.vector(point));
        let start = view.descend(&query, 0, scratch)?;
        view.walk(&query, &[start], REACH_EF, 0, scratch);
        let is_found = scratch.best.iter().any(|found| found.point == point);
        (!is_found).then(|| scratch.best.iter().map(|found| found.point).take(REACH_PARENTS).collect())
    })
}
