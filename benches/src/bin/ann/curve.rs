//! Recall of answers, and the curve of recall against speed that an index can reach.

use serde::{Deserialize, Serialize};

use crate::sets::TRUTH;

/// Neighbours that are searched for.
pub(crate) const NEIGHBOURS: usize = 10;
/// Stands for a neighbour that was not found.
pub(crate) const MISSING: u32 = u32::MAX;

/// What one setting gave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) recall: f64,
    pub(crate) qps: f64,
}

/// The share of the true neighbours that is among those found, in the mean of all queries. Whatever is as near as the
/// last true neighbour counts as one, within what 32-bit distances can tell.
pub(crate) fn recall(found: &[u32], truth: &[u32], distances: &[f64]) -> f64 {
    let queries = truth.len() / TRUTH;
    let mut hits = 0;
    for query in 0..queries {
        let (truth, distances) = (&truth[query * TRUTH..][..TRUTH], &distances[query * TRUTH..][..TRUTH]);
        let last = distances[NEIGHBOURS - 1];
        let bound = last + last.abs() * 1e-6 + 1e-7;
        let near = distances.iter().take_while(|it| **it <= bound).count();
        let found = found.get(query * NEIGHBOURS..(query + 1) * NEIGHBOURS).unwrap_or_default();
        let counted = truth[..near].iter().filter(|row| **row != MISSING && found.contains(row)).count();
        hits += counted.min(NEIGHBOURS);
    }
    hits as f64 / (queries * NEIGHBOURS) as f64
}

/// The points that no other one beats in both, by rising recall.
pub(crate) fn pareto(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|one, other| other.recall.total_cmp(&one.recall).then(other.qps.total_cmp(&one.qps)));
    let mut best: Vec<Point> = Vec::new();
    for point in sorted {
        if best.last().is_none_or(|last| point.qps > last.qps) {
            best.push(point);
        }
    }
    best.reverse();
    best
}

/// Queries per second at a recall: between two points of the curve on a line of logarithms; at less recall than the
/// first point, what that gave; nothing at more than the last.
pub(crate) fn qps_at(curve: &[Point], recall: f64) -> Option<f64> {
    let after = curve.iter().position(|point| point.recall >= recall)?;
    let right = curve[after];
    if after == 0 {
        return Some(right.qps);
    }
    let left = curve[after - 1];
    let share = (recall - left.recall) / (right.recall - left.recall);
    Some((left.qps.ln() + share * (right.qps.ln() - left.qps.ln())).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(recall: f64, qps: f64) -> Point {
        Point { recall, qps }
    }

    fn truth_of(query: u32) -> Vec<u32> {
        (0..TRUTH as u32).map(|at| query * 1_000 + at).collect()
    }

    #[test]
    fn recall_counts_true_neighbours_of_each_query() {
        let truth = [truth_of(0), truth_of(1)].concat();
        let distances: Vec<f64> = (0..2 * TRUTH).map(|at| (at % TRUTH) as f64).collect();
        let found: Vec<u32> = (0..10).chain(1_005..1_010).chain([MISSING; 5]).collect();
        assert_eq!(recall(&found, &truth, &distances), 0.75);
        assert_eq!(recall(&[], &truth, &distances), 0.0);
    }

    #[test]
    fn equals_of_the_last_neighbour_count_as_well_and_none_twice() {
        let distances: Vec<f64> =
            (0..TRUTH).map(|at| if at < 9 { at as f64 } else { 9.0 + (at / 20) as f64 }).collect();
        let found: Vec<u32> = (0..9).chain([15]).collect();
        assert_eq!(recall(&found, &truth_of(0), &distances), 1.0);
        let beyond: Vec<u32> = (0..9).chain([25]).collect();
        assert_eq!(recall(&beyond, &truth_of(0), &distances), 0.9);
        assert_eq!(recall(&[3; 10], &truth_of(0), &distances), 0.1);
    }

    #[test]
    fn a_beaten_point_is_left_out() {
        let points = [point(0.9, 100.0), point(0.95, 80.0), point(0.94, 70.0), point(0.99, 10.0), point(0.95, 60.0)];
        assert_eq!(pareto(&points), [point(0.9, 100.0), point(0.95, 80.0), point(0.99, 10.0)]);
        assert!(pareto(&[]).is_empty());
    }

    #[test]
    fn between_two_points_logarithms_are_on_a_line() {
        let curve = [point(0.9, 10_000.0), point(1.0, 100.0)];
        assert!((qps_at(&curve, 0.95).unwrap() - 1_000.0).abs() < 1e-6);
        assert!((qps_at(&curve, 1.0).unwrap() - 100.0).abs() < 1e-9);
        assert_eq!(qps_at(&curve, 0.5), Some(10_000.0));
        assert_eq!(qps_at(&curve[..1], 0.95), None);
        assert_eq!(qps_at(&[], 0.95), None);
    }
}
