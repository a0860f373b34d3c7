//! Which searches are checked, decided on the way of every search: by counting, without a lock, and without memory for those that are not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use roaring::RoaringBitmap;
use tokio::sync::mpsc;

use super::effort::Effort;
use crate::index::{CollectionIndex, View};
use crate::vector::Hit;

/// 2^64 divided by the golden ratio: multiples of it, wrapped around, are spread evenly, so that a rhythm of the queries does not
/// meet one of the samples.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A search that was answered approximately. Its view keeps what it could find in the index, until it is dropped.
pub(crate) struct Sample {
    pub(crate) index: Arc<CollectionIndex>,
    pub(crate) view: Arc<View>,
    pub(crate) vector: Vec<f32>,
    /// The slots that its filter let through; all that the view shows when `None`.
    pub(crate) allowed: Option<RoaringBitmap>,
    /// What it found, of what the view shows.
    pub(crate) found: Vec<Hit>,
    /// The collection's effort then.
    pub(crate) effort: usize,
}

/// Picks searches, and hands them over. There is place for one: while it is checked, and for the rest after, others are dropped, so that no
/// view is held for longer than a check takes.
#[derive(Debug)]
pub(crate) struct Sampler {
    /// The share of searches that are picked, of 2^32.
    share: u64,
    is_open: AtomicBool,
    samples: mpsc::Sender<Sample>,
}

impl Sampler {
    /// A sampler that picks `share` of the searches, and where they come out.
    pub(super) fn new(share: f64) -> (Self, mpsc::Receiver<Sample>) {
        let (samples, receiver) = mpsc::channel(1);
        let share = (share.clamp(0.0, 1.0) * (1_u64 << 32) as f64) as u64;
        (Self { share, is_open: AtomicBool::new(false), samples }, receiver)
    }

    /// The next picked search is wanted.
    pub(super) fn open(&self) {
        self.is_open.store(true, Ordering::Release);
    }

    /// Whether the search that is done now is to be checked.
    pub(crate) fn picks(&self, effort: &Effort) -> bool {
        if self.share == 0 {
            return false;
        }
        let count = effort.asked.fetch_add(1, Ordering::Relaxed);
        count.wrapping_mul(GOLDEN) >> 32 < self.share
    }

    /// Hands a picked search over, if there is time for it.
    pub(crate) fn offer(&self, effort: &Effort, sample: impl FnOnce() -> Sample) {
        let is_taken = self.is_open.swap(false, Ordering::Acquire) && self.samples.try_send(sample()).is_ok();
        if !is_taken {
            effort.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SearchSettings;

    fn picked(share: f64, rhythm: usize) -> usize {
        let (sampler, _receiver) = Sampler::new(share);
        let effort = Effort::new(SearchSettings::default(), 128);
        (0..100_000).filter(|n| sampler.picks(&effort) && n % rhythm == 0).count()
    }

    #[test]
    fn the_share_is_kept_whatever_the_rhythm_of_the_queries() {
        assert_eq!((picked(0.0, 1), picked(1.0, 1)), (0, 100_000));
        assert!((990..=1_010).contains(&picked(0.01, 1)), "{}", picked(0.01, 1));
        for rhythm in [2, 5, 10, 100] {
            let expected = 10_000 / rhythm;
            let found = picked(0.1, rhythm);
            assert!(found.abs_diff(expected) <= expected / 5 + 2, "{rhythm}: {found}");
        }
    }
}
