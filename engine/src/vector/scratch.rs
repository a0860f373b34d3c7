//! Working memory of searches, one for each thread and used again: visited marks, the best points so far, rooms for distances.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::codes::{CodeRoom, QueryCode};
use super::select::{Scored, SelectRoom};

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// What one walk through the graph needs to remember.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    marks: Vec<u8>,
    round: u8,
    bound: usize,
    /// The best points of a walk.
    pub(super) best: Best,
    /// Points still to be looked at, nearest on top; for walks that go through points that they may not find.
    pub(super) frontier: BinaryHeap<Reverse<Scored>>,
    /// Points to be compared next.
    pub(super) points: Vec<u32>,
    pub(super) scored: Vec<Scored>,
    pub(super) codes: CodeRoom,
    /// A query as it is compared, turned, and quantised.
    pub(super) query: QueryRoom,
    pub(super) exact: Vec<Scored>,
    pub(super) select: SelectRoom,
    /// Distances computed since the walk began.
    pub(super) distances: usize,
}

/// The forms of a query.
#[derive(Debug, Default)]
pub(super) struct QueryRoom {
    pub(super) prepared: Vec<f32>,
    pub(super) turned: Vec<f32>,
    pub(super) code: QueryCode,
}

impl Scratch {
    /// Runs `work` with this thread's scratch. Not to be nested: an inner one would start from nothing.
    pub(super) fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        let mut scratch = SCRATCH.take();
        let result = work(&mut scratch);
        SCRATCH.replace(scratch);
        result
    }

    /// Forgets the walk before, makes room for points below `bound`, and for the `ef` best of them.
    pub(super) fn begin(&mut self, bound: usize, ef: usize) {
        if self.marks.len() < bound {
            self.marks.resize(bound, 0);
        }
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.marks.fill(0);
            self.round = 1;
        }
        self.bound = bound;
        self.best.begin(ef);
        self.frontier.clear();
        self.distances = 0;
    }

    /// Marks `point`; true when it was not yet marked in this walk. Points beyond the bound came after the walk began: false.
    #[inline]
    pub(super) fn visit(&mut self, point: u32) -> bool {
        if point as usize >= self.bound {
            return false;
        }
        let mark = &mut self.marks[point as usize];
        let is_fresh = *mark != self.round;
        *mark = self.round;
        is_fresh
    }
}

/// The best points found so far, nearest first, and which of them have been gone on from.
#[derive(Debug, Default)]
pub(super) struct Best {
    found: Vec<(Scored, bool)>,
    most: usize,
    /// All before this one have been gone on from.
    next: usize,
}

impl Best {
    fn begin(&mut self, most: usize) {
        self.found.clear();
        self.found.reserve(most + 1);
        (self.most, self.next) = (most, 0);
    }

    /// The distance from which on nothing is taken in.
    #[inline]
    pub(super) fn bound(&self) -> f32 {
        if self.found.len() < self.most {
            f32::INFINITY
        } else {
            self.found.last().map_or(f32::INFINITY, |last| last.0.distance)
        }
    }

    /// Takes `scored` in unless it is beyond the best; whether it did.
    #[inline]
    pub(super) fn keep(&mut self, scored: Scored) -> bool {
        if self.found.len() >= self.most {
            match self.found.last() {
                Some((last, _)) if scored < *last => self.found.pop(),
                _ => return false,
            };
        }
        let place = self.found.partition_point(|(other, _)| *other < scored);
        self.found.insert(place, (scored, false));
        self.next = self.next.min(place);
        true
    }

    /// The nearest point that was not yet gone on from.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Scored> {
        let place = self.next + self.found[self.next..].iter().position(|(_, seen)| !seen)?;
        self.found[place].1 = true;
        self.next = place + 1;
        Some(self.found[place].0)
    }

    /// All, nearest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = Scored> + '_ {
        self.found.iter().map(|(scored, _)| *scored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_kept_in_order_and_gone_on_from_once() {
        let mut best = Best::default();
        best.begin(3);
        let scored = |distance: f32, point| Scored { distance, point };
        assert!(best.next().is_none() && best.bound() == f32::INFINITY);
        assert!([(5.0, 1), (3.0, 2), (4.0, 3)].iter().all(|&(distance, point)| best.keep(scored(distance, point))));
        assert_eq!(best.next().unwrap().point, 2);
        assert!(!best.keep(scored(5.0, 9)) && best.keep(scored(1.0, 4)) && best.keep(scored(3.5, 5)));
        assert_eq!(best.iter().map(|it| it.point).collect::<Vec<_>>(), [4, 2, 5]);
        assert_eq!((best.next().unwrap().point, best.next().unwrap().point), (4, 5));
        assert!(best.next().is_none() && best.bound() == 3.5);
        best.begin(1);
        assert!(best.iter().next().is_none());
    }
}
