//! Exact scan: every allowed vector is compared with the query, on all threads when they are many.

use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::graph::Graph;
use super::limits::{SCAN_AHEAD, SCAN_ALONE};
use super::scratch::Scratch;
use super::select::Scored;

impl Graph {
    /// Leaves in `scratch.exact` the `k` nearest allowed points, nearest first, with all that are exactly as far as the last of them.
    /// Time is that of comparing all allowed points.
    pub(super) fn scan(&self, query: &[f32], k: usize, allowed: Option<&RoaringBitmap>, scratch: &mut Scratch) {
        self.gather(allowed, scratch);
        let Scratch { points, exact, .. } = scratch;
        let part = (SCAN_ALONE / query.len()).max(1);
        if points.len() <= part {
            exact.clear();
            exact.extend(self.compare(query, points));
        } else {
            let parts = points.par_chunks(part).flat_map_iter(|part| self.compare(query, part));
            exact.clear();
            exact.par_extend(parts);
        }
        keep_nearest(exact, k);
    }

    fn compare<'a>(&'a self, query: &'a [f32], points: &'a [u32]) -> impl Iterator<Item = Scored> + 'a {
        points.iter().enumerate().map(move |(at, &point)| {
            if let Some(&ahead) = points.get(at + SCAN_AHEAD) {
                self.vectors.prefetch(ahead);
            }
            self.scored(query, point)
        })
    }

    /// Leaves in `scratch.points` the allowed points, each once.
    fn gather(&self, allowed: Option<&RoaringBitmap>, scratch: &mut Scratch) {
        let mut points = std::mem::take(&mut scratch.points);
        points.clear();
        scratch.begin(self.bound(), 0);
        let mut take = |slot: u32| {
            if let Some(point) = self.points.of_slot(slot).filter(|&point| scratch.visit(point)) {
                points.push(point);
            }
        };
        match allowed {
            Some(allowed) if (allowed.len() as usize) <= self.points.live() => allowed.iter().for_each(take),
            Some(allowed) => self.points.live_slots().filter(|&slot| allowed.contains(slot)).for_each(take),
            None => self.points.live_slots().for_each(&mut take),
        }
        scratch.points = points;
    }
}

fn keep_nearest(scored: &mut Vec<Scored>, k: usize) {
    if let Some(last) = k.checked_sub(1).filter(|_| scored.len() > k) {
        let farthest = scored.select_nth_unstable(last).1.distance;
        scored.retain(|scored| scored.distance <= farthest);
    }
    scored.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_kept_with_those_at_the_same_distance() {
        let scored = |distance: f32, point| Scored { distance, point };
        let mut all = vec![scored(3.0, 0), scored(1.0, 1), scored(2.0, 2), scored(2.0, 3), scored(2.0, 4)];
        keep_nearest(&mut all, 2);
        assert_eq!(all.iter().map(|it| it.point).collect::<Vec<_>>(), [1, 2, 3, 4]);
        keep_nearest(&mut all, 9);
        assert_eq!(all.len(), 4);
        keep_nearest(&mut all, 1);
        assert_eq!(all.iter().map(|it| it.point).collect::<Vec<_>>(), [1]);
    }
}
