//! What an image keeps of a writer, and how the rest is found again.

use std::cmp::Reverse;
use std::sync::Arc;

use super::super::codes::Codes;
use super::super::graph::Graph;
use super::super::sync::Mutex;
use super::{FREE, Freed, Writer};

/// Rows above the ground that belong to no point: those of a point of `level`, from `first` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct FreeRows {
    pub(in super::super) level: u8,
    pub(in super::super) first: u32,
}

/// What cannot be told from the graph.
#[derive(Debug)]
pub(in super::super) struct Kept {
    /// By point; [`FREE`] for those that hold no vector.
    pub(in super::super) levels: Vec<u8>,
    /// In their order.
    pub(in super::super) free_rows: Vec<FreeRows>,
    /// Rows above the ground, free ones included.
    pub(in super::super) upper_rows: u32,
    /// Levels drawn so far.
    pub(in super::super) drawn: u64,
    /// The point whose turn to be looked for comes next.
    pub(in super::super) turn: u32,
}

impl Writer {
    /// The state to keep. Space that searches may still see counts as free: whoever loads an image has no searches yet.
    pub(in super::super) fn kept(&self) -> Kept {
        let freed = self.freed.lock();
        let mut free_rows: Vec<FreeRows> = freed.upper.union(&freed.waiting).copied().collect();
        free_rows.sort_unstable();
        Kept { levels: self.levels.clone(), free_rows, upper_rows: self.upper_rows, drawn: self.drawn, turn: self.turn }
    }

    /// A writer that goes on from what was kept; `hashes` has the hash of each point's vector.
    pub(in super::super) fn restored(seed: u64, kept: Kept, hashes: Vec<u64>, codes: Option<Arc<Codes>>) -> Self {
        let free: Vec<u32> =
            (0..).zip(&kept.levels).filter(|(_, level)| **level == FREE).map(|(point, _)| point).collect();
        let gone = free.len();
        let upper = kept.free_rows.into_iter().collect();
        let freed = Freed { points: free.into_iter().collect(), upper, ..Freed::default() };
        Self {
            levels: kept.levels,
            freed: Arc::new(Mutex::new(freed)),
            gone,
            upper_rows: kept.upper_rows,
            drawn: kept.drawn,
            turn: kept.turn,
            unbuilt: Some(hashes),
            codes,
            ..Self::new(seed)
        }
    }

    /// Builds the tables that changes need and searches do not, if that was not done since loading.
    pub(in super::super) fn complete(&mut self, graph: &Graph) {
        let Some(hashes) = self.unbuilt.take() else { return };
        self.incoming.ensure(self.levels.len());
        self.by_hash.reserve(self.size());
        let points = self.points().into_iter().map(|point| (point, self.levels[point as usize]));
        let points: Vec<(u32, u8)> = points.collect();
        for &(point, level) in &points {
            self.by_hash.entry(hashes[point as usize]).or_insert(point);
            if level > 0 {
                self.tall.insert((level, Reverse(point)));
            }
        }
        self.incoming.fill(graph, &points);
    }
}

#[cfg(test)]
impl Writer {
    /// Waits until no search can see any free space.
    pub(in super::super) fn settle(&self) {
        while self.freed.lock().points.len() < self.gone {
            crossbeam_epoch::pin().flush();
            std::thread::yield_now();
        }
    }
}
