//! Choosing which of many near points become links.

use std::cmp::Ordering;

use super::codes::QueryCode;
use super::walk::View;

/// A point with its distance from whatever is being looked at; ordered by distance, then number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scored {
    pub(super) distance: f32,
    pub(super) point: u32,
}

impl Ord for Scored {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance.total_cmp(&other.distance).then(self.point.cmp(&other.point))
    }
}

impl PartialOrd for Scored {
    #[inline]
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
pub(super) enum Pruned {
    /// Fill the remaining places with the nearest of them.
    Keep,
    /// Leave the places empty.
    Drop,
}

/// By how much farther from a chosen link than from the base a candidate may be and still be left out, in squared distances. Links that reach a little farther make
/// walks shorter (Subramanya et al.: "DiskANN", NeurIPS 2019, who call its root alpha).
const SLACK: f32 = 1.1;

/// Room to choose in, used again.
#[derive(Debug, Default)]
pub(super) struct SelectRoom {
    query: QueryCode,
    points: Vec<u32>,
    dots: Vec<i32>,
    scored: Vec<Scored>,
    left: Vec<Scored>,
    covered: Vec<u32>,
}

impl SelectRoom {
    /// Chooses at most `limit` links for `base` among `candidates` (nearest first, distances from the base): a candidate is taken
    /// when it is not much nearer to a link taken so far than to the base, which spreads links over directions
    /// (Malkov & Yashunin, algorithm 4).
    pub(super) fn select(
        &mut self,
        view: View<'_>,
        base: u32,
        candidates: &[Scored],
        limit: usize,
        pruned: Pruned,
    ) -> Vec<u32> {
        let mut chosen: Vec<u32> = Vec::with_capacity(limit);
        self.left.clear();
        self.left.extend(candidates);
        self.covered.clear();
        while chosen.len() < limit && !self.left.is_empty() {
            let link = self.left.remove(0).point;
            chosen.push(link);
            if chosen.len() < limit {
                self.drop_covered(view, base, link);
            }
        }
        if pruned == Pruned::Keep {
            let rest = candidates.iter().map(|candidate| candidate.point).filter(|point| self.covered.contains(point));
            let room = limit - chosen.len();
            chosen.extend(rest.take(room));
        }
        chosen
    }

    /// Moves those that are left and nearer to `link` than to `base` to those that are covered.
    fn drop_covered(&mut self, view: View<'_>, base: u32, link: u32) {
        let Self { query, points, dots, scored, left, covered } = self;
        view.codes.query_of_into(link, query);
        points.clear();
        points.extend(left.iter().map(|candidate| candidate.point));
        scored.clear();
        view.codes.distances(query, points, dots, scored);
        let mut from_link = scored.iter();
        left.retain(|candidate| {
            let Some(from_link) = from_link.next() else { return true };
            let error = view.codes.error(query, candidate.point);
            let is_covered = covers(view, base, *candidate, Scored { point: link, ..*from_link }, error);
            if is_covered {
                covered.push(candidate.point);
            }
            !is_covered
        });
    }

    /// Whether `candidate` (its distance from `base`) is nearer to one of the `links` of `base` than to `base`.
    pub(super) fn is_covered(&mut self, view: View<'_>, base: u32, candidate: Scored, links: &[u32]) -> bool {
        let Self { query, dots, scored, .. } = self;
        view.codes.query_of_into(candidate.point, query);
        scored.clear();
        view.codes.distances(query, links, dots, scored);
        scored.iter().any(|link| covers(view, base, candidate, *link, view.codes.error(query, link.point)))
    }
}

/// Whether `link` (its distance from the candidate) covers `candidate` (its distance from `base`): is nearer to it than `base` is, with the slack. What
/// codes cannot tell, by what they may be wrong, is settled by the vectors.
fn covers(view: View<'_>, base: u32, candidate: Scored, link: Scored, error: f32) -> bool {
    let graph = view.graph;
    let lead =
        |from_base: f32, from_link: f32| graph.metric.squared(from_base) - SLACK * graph.metric.squared(from_link);
    let by_codes = lead(candidate.distance, link.distance);
    if by_codes.abs() > error {
        return by_codes > 0.0;
    }
    lead(graph.distance(base, candidate.point), graph.distance(link.point, candidate.point)) > 0.0
}

/// `points` with their distances from the point of `base`, nearest first, without that point itself and without doubles.
pub(super) fn rank(view: View<'_>, base: u32, points: impl Iterator<Item = u32>) -> Vec<Scored> {
    let mut ranked = rank_for(view, &view.codes.query_of(base), base, points);
    settle(view, base, &mut ranked);
    ranked
}

/// The same with a code that is at hand, and by codes alone.
pub(super) fn rank_for(view: View<'_>, query: &QueryCode, base: u32, points: impl Iterator<Item = u32>) -> Vec<Scored> {
    let mut points: Vec<u32> = points.filter(|&point| point != base).collect();
    points.sort_unstable();
    points.dedup();
    let mut ranked = Vec::with_capacity(points.len());
    view.codes.distances(query, &points, &mut Vec::new(), &mut ranked);
    ranked.sort_unstable();
    ranked
}

/// Puts the first of `ranked`, which codes cannot tell from `base`, in the order of the vectors.
pub(super) fn settle(view: View<'_>, base: u32, ranked: &mut [Scored]) {
    let same = view.graph.distance(base, base);
    let error = 2.0 * view.codes.step_error(base);
    let is_same = |scored: &Scored| scored.distance - same <= error;
    let count = ranked.iter().take_while(|scored| is_same(scored)).count();
    for scored in &mut ranked[..count] {
        scored.distance = view.graph.distance(base, scored.point);
    }
    ranked[..count].sort_unstable();
}
