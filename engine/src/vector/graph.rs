//! The layered graph as searches see it: vectors, codes, links and the entry, all in flat arrays that are read without a lock.
//!
//! One writer at a time changes links in place, one after the other, so a search may see a list half changed: every link in it is a point that
//! is or was there. The space of a removed point is used again only when every search that could have seen it has ended
//! ([`crossbeam_epoch`]), so what a search reads never changes under it.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::codes::Codes;
use super::metric::Metric;
use super::points::Points;
use super::rows::{Bytes, Rows};
use super::select::Scored;
use super::sync::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Marks a link that is not given up for others as long as both its points are there.
pub(super) const LASTING: u32 = 1 << 31;

/// What searches read.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) metric: Metric,
    pub(super) links: usize,
    pub(super) vectors: Arc<Rows<f32>>,
    /// Nothing until there are enough points for a graph.
    pub(super) codes: ArcSwapOption<Codes>,
    /// Points that room was made for.
    bound: AtomicUsize,
    /// Links of the ground layer, each the point plus one, with [`LASTING`] where it lasts; zero ends a list.
    pub(super) ground: Rows<AtomicU32>,
    /// The first row of a point in `upper`, plus one; zero for points of the ground alone.
    pub(super) upper_rows: Rows<AtomicU32>,
    /// Links above the ground, a row for each layer of a point.
    pub(super) upper: Rows<AtomicU32>,
    /// Level plus one and point where searches start.
    entry: AtomicU64,
    pub(super) points: Points,
}

impl Graph {
    pub(super) fn new(metric: Metric, dimension: usize, links: usize, folder: Option<PathBuf>) -> Self {
        Self::of(metric, links, Rows::in_folder(dimension, folder))
    }

    /// A graph without links over vectors that are there.
    pub(super) fn of(metric: Metric, links: usize, vectors: Rows<f32>) -> Self {
        Self {
            metric,
            links,
            vectors: Arc::new(vectors),
            codes: ArcSwapOption::empty(),
            bound: AtomicUsize::new(0),
            ground: Rows::new(2 * links),
            upper_rows: Rows::new(1),
            upper: Rows::new(links),
            entry: AtomicU64::new(0),
            points: Points::default(),
        }
    }

    /// Most links a point may have in `layer`: twice as many on the ground (Malkov & Yashunin, section 4.1).
    pub(super) fn capacity(&self, layer: usize) -> usize {
        if layer == 0 { 2 * self.links } else { self.links }
    }

    /// All points are below this.
    pub(super) fn bound(&self) -> usize {
        self.bound.load(Ordering::Acquire)
    }

    /// Makes room for points below `count`.
    pub(super) fn ensure(&self, count: usize) {
        self.vectors.ensure(count);
        self.ground.ensure(count);
        self.upper_rows.ensure(count);
        self.points.ensure_points(count);
        self.bound.fetch_max(count, Ordering::Release);
    }

    /// The point where searches start and its level, which is the highest.
    pub(super) fn entry(&self) -> Option<(u32, usize)> {
        let entry = self.entry.load(Ordering::Acquire);
        let level = (entry >> 32) as usize;
        (level > 0).then(|| (entry as u32, level - 1))
    }

    pub(super) fn set_entry(&self, entry: Option<(u32, usize)>) {
        let packed = entry.map_or(0, |(point, level)| (level as u64 + 1) << 32 | u64::from(point));
        self.entry.store(packed, Ordering::Release);
    }

    /// The links of `point` in `layer`, with the room for more.
    #[inline]
    fn list(&self, layer: usize, point: u32) -> &[AtomicU32] {
        if layer == 0 {
            return self.ground.row(point);
        }
        match self.upper_rows.row(point)[0].load(Ordering::Acquire) {
            0 => &[],
            first => self.upper.row(first - 1 + layer as u32 - 1),
        }
    }

    /// Whom `point` links to in `layer`.
    #[inline]
    pub(super) fn out(&self, layer: usize, point: u32) -> impl Iterator<Item = u32> + '_ {
        let links = self.list(layer, point).iter().map(|link| link.load(Ordering::Acquire) & !LASTING);
        links.take_while(|&link| link != 0).map(|link| link - 1)
    }

    /// Those of the links of `point` that last.
    pub(super) fn lasting(&self, layer: usize, point: u32) -> impl Iterator<Item = u32> + '_ {
        let links = self.list(layer, point).iter().map(|link| link.load(Ordering::Acquire));
        links.filter(|link| link & LASTING != 0).map(|link| (link & !LASTING) - 1)
    }

    /// Replaces the links of `point`; those that last and stay go on to last. For the writer alone.
    pub(super) fn write_out(&self, layer: usize, point: u32, links: &[u32]) {
        let list = self.list(layer, point);
        debug_assert!(links.len() <= list.len());
        let lasting: Vec<u32> = self.lasting(layer, point).collect();
        let mark = |link: u32| if lasting.contains(&link) { LASTING } else { 0 };
        let all = links.iter().map(|&link| (link + 1) | mark(link)).chain(std::iter::repeat(0));
        list.iter().zip(all).for_each(|(place, link)| place.store(link, Ordering::Release));
    }

    /// Marks the link from `point` to `to` as one that lasts. For the writer alone.
    pub(super) fn let_last(&self, layer: usize, point: u32, to: u32) {
        let place = self.list(layer, point).iter().find(|link| link.load(Ordering::Acquire) == to + 1);
        place.into_iter().for_each(|place| place.store((to + 1) | LASTING, Ordering::Release));
    }

    /// The first row of `point` above the ground.
    pub(super) fn upper_row(&self, point: u32) -> Option<u32> {
        self.upper_rows.row(point)[0].load(Ordering::Acquire).checked_sub(1)
    }

    /// Gives `point` its rows above the ground, from `first` on; all links must be gone from them. For the writer alone.
    pub(super) fn set_upper(&self, point: u32, first: Option<u32>, level: usize) {
        if let Some(first) = first {
            self.upper.ensure(first as usize + level);
        }
        self.upper_rows.row(point)[0].store(first.map_or(0, |first| first + 1), Ordering::Release);
    }

    /// Brings the list of the ground to the nearest cache.
    #[inline]
    pub(super) fn prefetch(&self, point: u32) {
        self.ground.prefetch(point);
    }

    #[inline]
    pub(super) fn vector(&self, point: u32) -> &[f32] {
        self.vectors.row(point)
    }

    /// The exact distance of two points.
    #[inline]
    pub(super) fn distance(&self, a: u32, b: u32) -> f32 {
        self.metric.distance(self.vector(a), self.vector(b))
    }

    /// `point` with its exact distance from `query`.
    #[inline]
    pub(super) fn scored(&self, query: &[f32], point: u32) -> Scored {
        Scored { distance: self.metric.distance(query, self.vector(point)), point }
    }

    /// Bytes of everything, with `upper` rows above the ground.
    pub(super) fn bytes(&self, upper: usize) -> Bytes {
        let bound = self.bound();
        let codes = self.codes.load().as_ref().map_or(Bytes::default(), |codes| codes.bytes(bound));
        let links = [self.ground.bytes(bound), self.upper_rows.bytes(bound), self.upper.bytes(upper)];
        links.into_iter().chain([self.vectors.bytes(bound), codes, self.points.bytes(bound)]).sum()
    }
}

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014): a counter in, well-mixed bits out.
pub(super) fn split_mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
