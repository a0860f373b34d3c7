//! How much an end takes at once. A quick one gets large frames whole; a slow one gets them in parts, between which control frames pass.

use tokio::time::Instant;

use crate::limits;

/// See the module.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    /// Since when something waits.
    since: Option<Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { most: limits::PIECE_BYTES, since: None }
    }
}

impl Pace {
    /// Notes that `sent` bytes were taken, and whether that was all. Whoever takes all of the largest piece at once gets larger ones.
    pub(super) fn sent(&mut self, sent: usize, is_all: bool, now: Instant) {
        if !is_all {
            self.since.get_or_insert(now);
            return;
        }
        self.since = None;
        if sent >= self.most {
            self.most = (self.most * 2).min(limits::PIPE_BYTES);
        }
    }

    /// Bytes of the largest piece.
    pub(super) fn most(&mut self, now: Instant) -> usize {
        if self.since.is_some_and(|since| now > since + limits::QUICK_WITHIN) {
            self.most = limits::PIECE_BYTES;
        }
        self.most
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn quick_ends_get_large_pieces_and_slow_ones_small_ones() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.sent(limits::PIECE_BYTES - 1, true, now);
        assert_eq!(pace.most(now), limits::PIECE_BYTES);
        for _ in 0..10 {
            pace.sent(pace.most, true, now);
        }
        assert_eq!(pace.most(now), limits::PIPE_BYTES);
        pace.sent(1, false, now);
        assert_eq!(pace.most(now), limits::PIPE_BYTES, "it has only just begun to wait");
        let later = now + limits::QUICK_WITHIN + Duration::from_millis(1);
        pace.sent(1, false, later);
        assert_eq!(pace.most(later), limits::PIECE_BYTES);
    }
}
