//! Keeping every point within reach of a search for it.
//!
//! Lists keep near links, so a point that lies alone, with many others nearer to each of its neighbours, may be in none of their lists: a search for it comes to all
//! that is around it and not to the point itself. With each point that comes some others are therefore looked for in turn, with little effort, and those that
//! are not found get a link that lasts.

use rayon::prelude::*;

use super::limits::{LASTING_SHARE, REACH_ALONE, REACH_EF, REACH_PARENTS, REACH_TURNS};
use super::scratch::Scratch;
use super::select::rank;
use super::walk::View;
use super::writer::Writer;

impl Writer {
    /// Looks for the points whose turn it is after so many others have come.
    pub(super) fn keep_within_reach(&mut self, view: View<'_>, come: usize) {
        let points: Vec<u32> = (0..come * REACH_TURNS).map(|_| self.next_in_turn()).collect();
        self.bring_within_reach(view, &points);
    }

    /// Looks for `points`, and links those that are not found from where searches for them end.
    pub(super) fn bring_within_reach(&mut self, view: View<'_>, points: &[u32]) {
        let is_linked = |point: u32| self.level(point).is_some() && view.graph.out(0, point).next().is_some();
        let mut points: Vec<u32> = points.iter().copied().filter(|&point| is_linked(point)).collect();
        points.sort_unstable();
        points.dedup();
        let astray = |&point: &u32| found_instead(view, point).map(|parents| (point, parents));
        let astray: Vec<(u32, Vec<u32>)> = if points.len() <= REACH_ALONE {
            points.iter().filter_map(astray).collect()
        } else {
            points.par_iter().filter_map(astray).collect()
        };
        for (point, mut parents) in astray {
            // The other links of a list are those that walks go by.
            let most = view.graph.capacity(0) / LASTING_SHARE;
            parents.retain(|&parent| view.graph.lasting(0, parent).count() < most);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::{VectorIndex, VectorOptions, VectorQuery};

    fn vector(slot: u32) -> [f32; 6] {
        std::array::from_fn(|i| ((slot as f32 + 1.0) * (i as f32 + 1.37) * 0.611).sin())
    }

    fn insert(index: &VectorIndex, slots: std::ops::Range<u32>) {
        let vectors: Vec<(u32, [f32; 6])> = slots.map(|slot| (slot, vector(slot))).collect();
        let batch: Vec<(u32, &[f32])> = vectors.iter().map(|(slot, vector)| (*slot, vector.as_slice())).collect();
        index.insert_batch(&batch).unwrap();
    }

    fn is_found(index: &VectorIndex, slot: u32) -> bool {
        let how = VectorQuery { ef: Some(60), ..VectorQuery::default() };
        index.search(&vector(slot), 1, &how).unwrap().iter().any(|hit| hit.slot == slot)
    }

    #[test]
    fn a_point_that_nobody_leads_to_gets_a_link_that_lasts() {
        let options = VectorOptions { m: 4, ef_construction: 20, exact_below: 0, ..VectorOptions::new(6) };
        let index = VectorIndex::new(options).unwrap();
        insert(&index, 0..1_500);
        let point = index.graph.points.of_slot(700).unwrap();
        assert!(is_found(&index, 700));
        let codes = index.graph.codes.load_full().unwrap();
        let view = View::new(&index.graph, &codes);
        let sources = |writer: &Writer| writer.incoming(&index.graph, 0, point).collect::<Vec<u32>>();
        {
            let mut writer = index.writer.lock();
            assert_eq!(writer.level(point), Some(0), "else a search may come to it from above");
            for source in sources(&writer) {
                let rest: Vec<u32> = index.graph.out(0, source).filter(|&link| link != point).collect();
                writer.set_out(&index.graph, 0, source, &rest);
            }
        }
        assert!(!is_found(&index, 700));
        index.writer.lock().bring_within_reach(view, &[point]);
        assert!(is_found(&index, 700));
        let parent = sources(&index.writer.lock())[0];
        assert_eq!(index.graph.lasting(0, parent).collect::<Vec<_>>(), [point]);
        // Many come that are nearer to the parent.
        insert(&index, 1_500..6_000);
        assert!(index.graph.lasting(0, parent).any(|link| link == point) && is_found(&index, 700));
        // Where the parent goes, another takes its place.
        let parents = index.graph.points.slots(parent).collect::<Vec<u32>>();
        assert!(parents.iter().all(|&slot| index.remove(slot)));
        assert!(is_found(&index, 700));
    }

    #[test]
    fn turns_come_to_every_point() {
        let index = VectorIndex::new(VectorOptions { m: 4, exact_below: 0, ..VectorOptions::new(6) }).unwrap();
        insert(&index, 0..1_200);
        let mut writer = index.writer.lock();
        let mut met: Vec<u32> = (0..1_200).map(|_| writer.next_in_turn()).collect();
        met.sort_unstable();
        assert!(met.into_iter().eq(0..1_200));
    }
}
