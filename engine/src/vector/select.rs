//! Choosing which of many near points become links.

use std::cmp::Ordering;

use super::graph::Graph;

/// A point with its distance from whatever is being looked at; ordered by distance, then number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scored {
    pub(crate) distance: f32,
    pub(crate) point: u32,
}

impl Ord for Scored {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance.total_cmp(&other.distance).then(self.point.cmp(&other.point))
    }
}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scored {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scored {}

/// What happens to candidates that are nearer to a chosen link than to the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pruned {
    /// Fill the remaining places with the nearest of them.
    Keep,
    /// Leave the places empty.
    Drop,
}

/// Chooses at most `limit` links among `candidates` (nearest first, distances from the base): a candidate is taken
/// when it is nearer to the base than to every link taken so far, which spreads links over directions
/// (Malkov & Yashunin, algorithm 4).
pub(crate) fn select(graph: &Graph, candidates: &[Scored], limit: usize, pruned: Pruned) -> Vec<u32> {
    let mut chosen: Vec<u32> = Vec::with_capacity(limit);
    let mut left = Vec::new();
    for candidate in candidates {
        if chosen.len() == limit {
            break;
        }
        let covered = chosen.iter().any(|&link| graph.distance(candidate.point, link) < candidate.distance);
        if covered {
            left.push(candidate.point);
        } else {
            chosen.push(candidate.point);
        }
    }
    if pruned == Pruned::Keep {
        let room = limit - chosen.len();
        chosen.extend(left.into_iter().take(room));
    }
    chosen
}

/// `points` with their distances from `base`, nearest first, without `base` itself and without doubles.
pub(crate) fn rank(graph: &Graph, base: u32, points: impl Iterator<Item = u32>) -> Vec<Scored> {
    let mut ranked: Vec<Scored> =
        points.filter(|&point| point != base).map(|point| graph.scored(graph.vector(base), point)).collect();
    ranked.sort_unstable();
    ranked.dedup_by_key(|scored| scored.point);
    ranked
}
