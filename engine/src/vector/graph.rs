//! The layered graph: vectors, links in both directions, entry point; every change of links goes through here.

use std::collections::HashMap;

use super::limits::MAX_LEVEL;
use super::metric::Metric;
use super::points::{Points, vector_hash};
use super::rows::Rows;
use super::select::Scored;

/// Marks a free point in `levels`.
const FREE: u8 = u8::MAX;

/// Links of one point in one layer above the ground.
#[derive(Debug, Default)]
pub(crate) struct UpperLinks {
    pub(crate) out: Vec<u32>,
    pub(crate) incoming: Vec<u32>,
}

/// The data of the index; searches need `&Graph`, changes `&mut Graph`.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) metric: Metric,
    pub(crate) links: usize,
    seed: u64,
    vectors: Rows<f32>,
    /// Ground layer: the number of links, then the links.
    ground: Rows<u32>,
    /// Ground layer: who links here. Deletes need it to repair exactly the lists that name the removed point.
    incoming: Vec<Vec<u32>>,
    upper: HashMap<u32, Vec<UpperLinks>>,
    levels: Vec<u8>,
    free: Vec<u32>,
    /// The point where searches start and its level, which is the highest.
    pub(crate) entry: Option<(u32, usize)>,
    drawn: u64,
    pub(crate) points: Points,
}

impl Graph {
    pub(crate) fn new(metric: Metric, dimension: usize, links: usize, seed: u64) -> Self {
        Self {
            metric,
            links,
            seed,
            vectors: Rows::new(dimension),
            ground: Rows::new(2 * links + 1),
            incoming: Vec::new(),
            upper: HashMap::new(),
            levels: Vec::new(),
            free: Vec::new(),
            entry: None,
            drawn: 0,
            points: Points::default(),
        }
    }

    /// Most links a point may have in `layer`: twice as many on the ground (Malkov & Yashunin, section 4.1).
    pub(crate) fn capacity(&self, layer: usize) -> usize {
        if layer == 0 { 2 * self.links } else { self.links }
    }

    /// Points in the graph and free ones: the bound of point numbers.
    pub(crate) fn bound(&self) -> usize {
        self.levels.len()
    }

    /// Points in the graph.
    pub(crate) fn size(&self) -> usize {
        self.levels.len() - self.free.len()
    }

    #[inline]
    pub(crate) fn vector(&self, point: u32) -> &[f32] {
        self.vectors.row(point)
    }

    #[inline]
    pub(crate) fn distance(&self, a: u32, b: u32) -> f32 {
        self.metric.distance(self.vector(a), self.vector(b))
    }

    /// `point` with its distance from `query`.
    #[inline]
    pub(crate) fn scored(&self, query: &[f32], point: u32) -> Scored {
        Scored { distance: self.metric.distance(query, self.vector(point)), point }
    }

    /// The highest layer of `point`, if it is in the graph.
    pub(crate) fn level(&self, point: u32) -> Option<usize> {
        self.levels.get(point as usize).filter(|&&level| level != FREE).map(|&level| usize::from(level))
    }

    /// Whom `point` links to in `layer`.
    #[inline]
    pub(crate) fn out(&self, layer: usize, point: u32) -> &[u32] {
        if layer == 0 {
            let row = self.ground.row(point);
            return &row[1..=row[0] as usize];
        }
        self.upper_links(layer, point).map_or(&[], |links| &links.out)
    }

    /// Who links to `point` in `layer`.
    pub(crate) fn incoming(&self, layer: usize, point: u32) -> &[u32] {
        if layer == 0 {
            return &self.incoming[point as usize];
        }
        self.upper_links(layer, point).map_or(&[], |links| &links.incoming)
    }

    fn upper_links(&self, layer: usize, point: u32) -> Option<&UpperLinks> {
        self.upper.get(&point)?.get(layer - 1)
    }

    /// Replaces the links of `point` in `layer`, and what is known of incoming links with them.
    pub(crate) fn set_out(&mut self, layer: usize, point: u32, new: &[u32]) {
        let old = self.out(layer, point).to_vec();
        for &gone in old.iter().filter(|link| !new.contains(link)) {
            let incoming = self.incoming_mut(layer, gone);
            if let Some(at) = incoming.iter().position(|&from| from == point) {
                incoming.swap_remove(at);
            }
        }
        for &fresh in new.iter().filter(|link| !old.contains(link)) {
            self.incoming_mut(layer, fresh).push(point);
        }
        if layer == 0 {
            let row = self.ground.row_mut(point);
            row[0] = new.len() as u32;
            row[1..=new.len()].copy_from_slice(new);
        } else if let Some(links) = self.upper.get_mut(&point).and_then(|layers| layers.get_mut(layer - 1)) {
            links.out.clear();
            links.out.extend_from_slice(new);
        }
    }

    fn incoming_mut(&mut self, layer: usize, point: u32) -> &mut Vec<u32> {
        if layer == 0 {
            return &mut self.incoming[point as usize];
        }
        let layers = self.upper.entry(point).or_default();
        if layers.len() < layer {
            layers.resize_with(layer, UpperLinks::default);
        }
        &mut layers[layer - 1].incoming
    }

    /// Takes in a prepared vector without linking it; returns its point and level.
    pub(crate) fn add_point(&mut self, vector: &[f32]) -> (u32, usize) {
        let level = self.draw_level();
        let point = self.free.pop().unwrap_or(self.levels.len() as u32);
        let count = point as usize + 1;
        if self.levels.len() < count {
            self.levels.push(FREE);
            self.incoming.push(Vec::new());
            self.vectors.ensure(count);
            self.ground.ensure(count);
        }
        self.vectors.row_mut(point).copy_from_slice(vector);
        self.ground.row_mut(point)[0] = 0;
        self.levels[point as usize] = level as u8;
        if level > 0 {
            let mut layers = Vec::with_capacity(level);
            layers.resize_with(level, UpperLinks::default);
            self.upper.insert(point, layers);
        }
        (point, level)
    }

    /// Gives the space of `point` back; nothing may link to it any more.
    pub(crate) fn free_point(&mut self, point: u32) {
        self.incoming[point as usize] = Vec::new();
        self.upper.remove(&point);
        self.levels[point as usize] = FREE;
        self.free.push(point);
    }

    /// The highest point other than `except`, the lowest-numbered among equals: where searches start next.
    pub(crate) fn highest(&self, except: u32) -> Option<(u32, usize)> {
        let level = |point: u32| self.levels[point as usize];
        let upper = self.upper.keys().copied().filter(|&point| point != except);
        let best = upper.max_by_key(|&point| (level(point), std::cmp::Reverse(point)));
        let ground = || (0..self.bound() as u32).find(|&point| point != except && level(point) != FREE);
        best.or_else(ground).map(|point| (point, usize::from(level(point))))
    }

    /// Draws a level with the probability 1/links of reaching each next layer (`mL = 1/ln(M)`, section 4.1).
    fn draw_level(&mut self) -> usize {
        self.drawn += 1;
        let bits = split_mix(self.seed.wrapping_add(self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        let uniform = ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        let level = -uniform.ln() / (self.links as f64).ln();
        (level as usize).min(MAX_LEVEL)
    }

    /// The point that already holds exactly this vector.
    pub(crate) fn twin(&self, vector: &[f32], hash: u64) -> Option<u32> {
        self.points.by_hash(hash).filter(|&point| same(self.vector(point), vector))
    }

    /// The hash under which `point` was remembered.
    pub(crate) fn hash_of(&self, point: u32) -> u64 {
        vector_hash(self.vector(point))
    }

    /// Bytes held, spare capacity included, hash tables estimated.
    pub(crate) fn bytes(&self) -> usize {
        let lists = self.incoming.iter().map(|list| list.capacity() * 4).sum::<usize>() + self.incoming.capacity() * 24;
        let upper = |layers: &Vec<UpperLinks>| {
            layers.iter().map(|links| 48 + 4 * (links.out.capacity() + links.incoming.capacity())).sum::<usize>() + 32
        };
        let upper = self.upper.values().map(upper).sum::<usize>();
        self.vectors.bytes()
            + self.ground.bytes()
            + lists
            + upper
            + self.levels.capacity()
            + self.free.capacity() * 4
            + self.points.bytes()
    }
}

fn same(a: &[f32], b: &[f32]) -> bool {
    a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits()))
}

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014): a counter in, well-mixed bits out.
pub(crate) fn split_mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
