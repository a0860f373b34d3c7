//! Working memory of searches, reused: visited marks and heaps.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use parking_lot::Mutex;

use super::limits::POOLED_SCRATCH;
use super::select::Scored;

/// What one walk through the graph needs to remember.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    marks: Vec<u16>,
    round: u16,
    /// Points still to be looked at, nearest on top.
    pub(crate) frontier: BinaryHeap<Reverse<Scored>>,
    /// The best found so far, farthest on top.
    pub(crate) found: BinaryHeap<Scored>,
    /// Distances computed since the walk began.
    pub(crate) distances: usize,
}

impl Scratch {
    /// Forgets the walk before and makes room for points below `bound`.
    pub(crate) fn begin(&mut self, bound: usize) {
        if self.marks.len() < bound {
            self.marks.resize(bound, 0);
        }
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.marks.fill(0);
            self.round = 1;
        }
        self.frontier.clear();
        self.found.clear();
        self.distances = 0;
    }

    /// Marks `point`; true when it was not yet marked in this walk.
    #[inline]
    pub(crate) fn visit(&mut self, point: u32) -> bool {
        let mark = &mut self.marks[point as usize];
        let fresh = *mark != self.round;
        *mark = self.round;
        fresh
    }

    /// Takes the results out, nearest first.
    pub(crate) fn drain(&mut self) -> Vec<Scored> {
        let mut found: Vec<Scored> = self.found.drain().collect();
        found.sort_unstable();
        found
    }
}

/// Scratch kept between searches, so that none allocates in the steady state.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Scratch>>,
}

impl Pool {
    /// Runs `work` with scratch from the pool.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let mut scratch = self.idle.lock().pop().unwrap_or_default();
        let result = work(&mut scratch);
        let mut idle = self.idle.lock();
        if idle.len() < POOLED_SCRATCH {
            idle.push(scratch);
        }
        result
    }

    /// Bytes held by idle scratch.
    pub(crate) fn bytes(&self) -> usize {
        self.idle.lock().iter().map(|scratch| scratch.marks.capacity() * 2 + scratch.found.capacity() * 8).sum()
    }
}
