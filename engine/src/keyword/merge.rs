//! Which segments to merge: few segments at any rate of commits, and none that is mostly deleted documents.
//!
//! Segments are grouped by size, in steps of [`MERGE_WIDTH`]; as many of one group are merged into one of the next, so that
//! each document is rewritten a logarithmic number of times.

use super::limits::{MAX_DELETED_PERCENT, MAX_SEGMENTS, MERGE_FLOOR, MERGE_FLOOR_WIDTH, MERGE_WIDTH};
use super::segment::SegmentKey;

/// What the choice is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SegmentSize {
    pub(crate) key: SegmentKey,
    /// Live documents.
    pub(crate) live: u32,
    /// Documents, deleted ones included.
    pub(crate) documents: u32,
}

/// The segments to merge next; empty when all is well.
pub(crate) fn choose(segments: &[SegmentSize]) -> Vec<SegmentSize> {
    let mut by_size = segments.to_vec();
    by_size.sort_by_key(|segment| segment.live);
    let is_stale = |segment: &&SegmentSize| {
        u64::from(segment.documents - segment.live) * 100
            > u64::from(segment.documents) * u64::from(MAX_DELETED_PERCENT)
    };
    // The smallest group first: it is cheap, and its result may complete the next one.
    for group in by_size.chunk_by(|a, b| group_of(a.live) == group_of(b.live)) {
        let width = if group_of(group[0].live) == 0 { MERGE_FLOOR_WIDTH } else { MERGE_WIDTH };
        if group.len() >= width {
            return group.to_vec();
        }
    }
    if let Some(stale) = by_size.iter().find(is_stale) {
        return vec![*stale];
    }
    if by_size.len() > MAX_SEGMENTS {
        by_size.truncate(by_size.len() - MAX_SEGMENTS + 1);
        return by_size;
    }
    Vec::new()
}

fn group_of(live: u32) -> u32 {
    (live / MERGE_FLOOR).checked_ilog(MERGE_WIDTH as u32).map_or(0, |group| group + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(live: u32, documents: u32) -> SegmentSize {
        SegmentSize { key: SegmentKey::next(), live, documents }
    }

    #[test]
    fn any_rate_of_commits_leaves_few_segments_and_little_rewriting() {
        let (mut segments, mut rewritten, mut most) = (Vec::new(), 0u64, 0);
        for _ in 0..100_000 {
            segments.push(segment(1, 1));
            loop {
                let chosen = choose(&segments);
                if chosen.is_empty() {
                    break;
                }
                let live = chosen.iter().map(|segment| segment.live).sum();
                segments.retain(|segment| chosen.iter().all(|chosen| chosen.key != segment.key));
                segments.push(self::segment(live, live));
                rewritten += u64::from(live);
            }
            most = most.max(segments.len());
        }
        assert!(most <= MAX_SEGMENTS, "{most} segments");
        assert!(rewritten < 100_000 * 12, "{rewritten} documents rewritten");
    }

    #[test]
    fn segments_of_deleted_documents_are_rewritten() {
        assert!(choose(&[segment(80, 100)]).is_empty());
        assert_eq!(choose(&[segment(79, 100)]).len(), 1);
        assert_eq!(choose(&[segment(0, 1)]).len(), 1);
        assert!(choose(&[]).is_empty());
    }

    #[test]
    fn too_many_segments_of_all_sizes_are_merged_from_the_small_end() {
        let segments: Vec<_> = (0..40).map(|i| segment(1 << (i / 2), 1 << (i / 2))).collect();
        let chosen = choose(&segments);
        assert!(chosen.len() > 1 && chosen.iter().all(|chosen| chosen.live <= 1 << 10));
    }
}
