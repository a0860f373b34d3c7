//! What the one writer of a graph keeps: levels, free places, vectors by hash. Every change of links goes through here.

#[path = "writer/kept.rs"]
mod kept;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crossbeam_epoch as epoch;
use twox_hash::XxHash3_64;

pub(super) use self::kept::{FreeRows, Kept};
use super::codes::Codes;
use super::graph::{Graph, split_mix};
use super::incoming::Incoming;
use super::limits::MAX_LEVEL;
use super::rows::bytes_of;
use super::sync::Mutex;

/// Marks a free point in `levels`.
pub(super) const FREE: u8 = u8::MAX;

/// Hash under which a prepared vector is looked up.
pub(super) fn vector_hash(vector: &[f32]) -> u64 {
    XxHash3_64::oneshot(bytes_of(vector))
}

/// Places that no search can see any more, the lowest to be used first.
#[derive(Debug, Default)]
struct Freed {
    points: BTreeSet<u32>,
    /// Rows above the ground.
    upper: BTreeSet<FreeRows>,
    /// Rows that a search may still see.
    waiting: BTreeSet<FreeRows>,
}

impl Freed {
    /// The first of free rows for `level` layers.
    fn take_upper(&mut self, level: usize) -> Option<u32> {
        let level = level as u8;
        let found =
            self.upper.range(FreeRows { level, first: 0 }..).next().copied().filter(|rows| rows.level == level)?;
        self.upper.remove(&found);
        Some(found.first)
    }
}

/// The writer's own view of the graph.
#[derive(Debug)]
pub(super) struct Writer {
    incoming: Incoming,
    levels: Vec<u8>,
    /// Points above the ground, by level.
    tall: BTreeSet<(u8, std::cmp::Reverse<u32>)>,
    freed: Arc<Mutex<Freed>>,
    /// Points that were taken out, and are free or will be.
    gone: usize,
    upper_rows: u32,
    seed: u64,
    drawn: u64,
    /// The point whose turn to be looked for comes next.
    turn: u32,
    by_hash: HashMap<u64, u32>,
    /// After loading: the hashes of all points, until the first change needs the tables (see [`Writer::complete`]).
    unbuilt: Option<Vec<u64>>,
    /// Codes in use, also before searches may see them.
    pub(super) codes: Option<Arc<Codes>>,
}

impl Writer {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            incoming: Incoming::default(),
            levels: Vec::new(),
            tall: BTreeSet::new(),
            freed: Arc::default(),
            gone: 0,
            upper_rows: 0,
            seed,
            drawn: 0,
            turn: 0,
            by_hash: HashMap::new(),
            unbuilt: None,
            codes: None,
        }
    }

    /// Distinct vectors.
    pub(super) fn size(&self) -> usize {
        self.levels.len() - self.gone
    }

    /// The points that hold vectors.
    pub(super) fn points(&self) -> Vec<u32> {
        (0..).zip(&self.levels).filter(|(_, level)| **level != FREE).map(|(point, _)| point).collect()
    }

    /// The highest layer of `point`, if it is in the graph.
    pub(super) fn level(&self, point: u32) -> Option<usize> {
        self.levels.get(point as usize).filter(|&&level| level != FREE).map(|&level| usize::from(level))
    }

    /// Who links to `point` in `layer`.
    pub(super) fn incoming<'a>(&'a self, graph: &'a Graph, layer: usize, point: u32) -> impl Iterator<Item = u32> + 'a {
        self.incoming.of(graph, layer, point)
    }

    /// Replaces the links of `point` in `layer`, and what is known of incoming links with them.
    pub(super) fn set_out(&mut self, graph: &Graph, layer: usize, point: u32, new: &[u32]) {
        let old: Vec<u32> = graph.out(layer, point).collect();
        for &gone in old.iter().filter(|link| !new.contains(link)) {
            self.incoming.unlinked(graph, layer, point, gone);
        }
        for &fresh in new.iter().filter(|link| !old.contains(link)) {
            self.incoming.linked(graph, layer, point, fresh);
        }
        graph.write_out(layer, point, new);
    }

    /// Takes in a prepared vector, on the ground and without links.
    #[allow(unsafe_code, reason = "rows are written in place")]
    pub(super) fn add_point(&mut self, graph: &Graph, vector: &[f32], hash: u64) -> u32 {
        let free = self.freed.lock().points.pop_first();
        let point = free.unwrap_or(self.levels.len() as u32);
        if free.is_some() {
            self.gone -= 1;
        } else {
            self.levels.push(FREE);
            self.incoming.ensure(self.levels.len());
            graph.ensure(self.levels.len());
        }
        // SAFETY: the point is new, or all searches that could have seen it have ended (`free_point`); no list, slot or entry names it, so none
        // that runs comes to it before it is published with `Release`. There is one writer.
        unsafe { graph.vectors.write(point, vector) };
        self.levels[point as usize] = 0;
        self.by_hash.entry(hash).or_insert(point);
        point
    }

    /// Draws the level of a new point and gives it room there.
    pub(super) fn raise(&mut self, graph: &Graph, point: u32) -> usize {
        let level = self.draw_level(graph.links);
        self.levels[point as usize] = level as u8;
        if level > 0 {
            let freed = self.freed.lock().take_upper(level);
            let first = freed.unwrap_or_else(|| {
                self.upper_rows += level as u32;
                self.upper_rows - level as u32
            });
            graph.set_upper(point, Some(first), level);
            self.tall.insert((level as u8, std::cmp::Reverse(point)));
        }
        level
    }

    /// Draws a level with the probability 1/links of reaching each next layer (`mL = 1/ln(M)`, section 4.1).
    fn draw_level(&mut self, links: usize) -> usize {
        self.drawn += 1;
        let bits = split_mix(self.seed.wrapping_add(self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        let uniform = ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        let level = -uniform.ln() / (links as f64).ln();
        (level as usize).min(MAX_LEVEL)
    }

    /// Takes `point` out, to whom nothing links any more. Its space is used again when no search can see it.
    pub(super) fn free_point(&mut self, graph: &Graph, point: u32) {
        let level = self.levels[point as usize];
        let hash = vector_hash(graph.vector(point));
        if self.by_hash.get(&hash) == Some(&point) {
            self.by_hash.remove(&hash);
        }
        self.incoming.forget(point, level);
        self.tall.remove(&(level, std::cmp::Reverse(point)));
        self.levels[point as usize] = FREE;
        self.gone += 1;
        let upper = graph.upper_row(point).map(|first| FreeRows { level, first });
        self.freed.lock().waiting.extend(upper);
        let freed = Arc::clone(&self.freed);
        let guard = epoch::pin();
        graph.set_upper(point, None, 0);
        guard.defer(move || {
            let mut freed = freed.lock();
            freed.points.insert(point);
            if let Some(rows) = upper {
                freed.waiting.remove(&rows);
                freed.upper.insert(rows);
            }
        });
        guard.flush();
    }

    /// The highest point other than `except`, the lowest-numbered among equals: where searches start next.
    pub(super) fn highest(&self, except: u32) -> Option<(u32, usize)> {
        let tall = self.tall.iter().rev().find(|(_, point)| point.0 != except);
        let ground = || {
            let mut points = (0..).zip(&self.levels);
            points.find(|&(point, level)| point != except && *level != FREE).map(|(point, _)| (point, 0))
        };
        tall.map(|(level, point)| (point.0, usize::from(*level))).or_else(ground)
    }

    /// A place whose turn it is, of all places, one after the other.
    pub(super) fn next_in_turn(&mut self) -> u32 {
        let point = self.turn;
        self.turn = if (point as usize + 1) < self.levels.len() { point + 1 } else { 0 };
        point
    }

    /// The point that already holds exactly this vector.
    pub(super) fn twin(&self, graph: &Graph, vector: &[f32], hash: u64) -> Option<u32> {
        let same = |point: u32| graph.vector(point).iter().map(|x| x.to_bits()).eq(vector.iter().map(|x| x.to_bits()));
        self.by_hash.get(&hash).copied().filter(|&point| same(point))
    }

    /// Bytes held, spare capacity included, hash tables estimated.
    pub(super) fn bytes(&self) -> usize {
        let unbuilt = self.unbuilt.as_ref().map_or(0, |hashes| hashes.capacity() * 8);
        let tables = self.levels.capacity() + self.tall.len() * 12 + self.by_hash.capacity() * 18;
        self.incoming.bytes() + tables + unbuilt
    }

    /// Rows above the ground.
    pub(super) fn upper_rows(&self) -> usize {
        self.upper_rows as usize
    }
}
