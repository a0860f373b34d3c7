//! Codes: vectors in eight bits a dimension, and in one, to walk the graph by; the vectors themselves are looked at last.
//!
//! A vector's difference from the centre of all is turned at random ([`rotation`]) and rounded to eight bits a dimension with a scale of
//! its own (as in locally-adaptive vector quantisation: Aguerrebere et al., VLDB 2023). The signs alone, with two numbers beside them, give an unbiased
//! estimate of a distance and a bound of its error (Gao & Long: "RaBitQ", SIGMOD 2024): most points of a walk are seen to be too far by that.

mod body;
mod kernel;
#[cfg(target_arch = "aarch64")]
mod neon;
mod query;
mod rotation;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

pub(super) use self::body::Body;
pub use self::body::Quantization;
use self::body::half_dot;
use self::kernel::{Kernel, SignSum};
pub(super) use self::query::QueryCode;
use self::rotation::{Rotation, padded};
use super::limits::LINE;
use super::metric::Metric;
use super::rows::{Bytes, Rows};
use super::select::Scored;

/// Bytes behind the signs of a code: four numbers.
const NUMBERS: usize = 4 * size_of::<f32>();
/// Standard deviations of a sign estimate's error that a walk counts in. The paper takes 1.9 to lose nothing; 1.2 finds the same points of
/// Fashion-MNIST by two thirds of the eight-bit codes, since a walk comes to a near point from several sides.
pub(super) const WALK_CARE: f32 = 1.2;
/// The same for a scan, which sees each point once.
pub(super) const SCAN_CARE: f32 = 3.0;
/// What stands behind the signs of a code.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    /// What the sum of the query's numbers by the code's signs is multiplied with to be an inner product.
    sign_scale: f32,
    /// The standard deviation of that product's error, for a query of length 1.
    sign_error: f32,
    /// What a number of the finer code is worth.
    scale: f32,
    /// What the distance has of this vector alone.
    own: f32,
}

/// Codes of all points.
#[derive(Debug)]
pub(super) struct Codes {
    metric: Metric,
    /// What the inner product of differences counts in a distance.
    weight: f32,
    rotation: Rotation,
    centre: Vec<f32>,
    centre_squared: f32,
    /// Signs, where they are looked at first, and numbers.
    signs: Rows<u8>,
    /// Bytes of signs before the numbers.
    sign_bytes: usize,
    body: Body,
    /// Points that room was made for.
    bound: AtomicUsize,
    /// Points that the centre was taken of.
    pub(super) trained_on: usize,
}

/// Room for the numbers of one batch of points.
#[derive(Debug, Default)]
pub(super) struct CodeRoom {
    sums: Vec<SignSum>,
    dots: Vec<i32>,
    near: Vec<u32>,
}

impl Codes {
    /// Codes of the `points` that `vectors` holds, around their mean.
    pub(super) fn train(
        (metric, quantization): (Metric, Quantization),
        seed: u64,
        vectors: &Arc<Rows<f32>>,
        points: &[u32],
    ) -> Self {
        let mut centre = vec![0.0_f64; vectors.stride()];
        for &point in points {
            centre.iter_mut().zip(vectors.row(point)).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        let centre: Vec<f32> = centre.iter().map(|sum| (sum / points.len().max(1) as f64) as f32).collect();
        let codes = Self::around((metric, quantization), seed, (centre, points.len()), vectors);
        codes.ensure(points.iter().max().map_or(0, |&last| last as usize + 1));
        points.par_iter().for_each(|&point| codes.put(point, vectors.row(point)));
        codes
    }

    /// Codes of no points yet, around a centre, which was taken of so many points.
    pub(super) fn around(
        (metric, quantization): (Metric, Quantization),
        seed: u64,
        (centre, trained_on): (Vec<f32>, usize),
        vectors: &Arc<Rows<f32>>,
    ) -> Self {
        let padded = padded(centre.len());
        Self {
            metric,
            weight: if metric == Metric::Euclidean { 2.0 } else { 1.0 },
            rotation: Rotation::new(centre.len(), seed),
            centre_squared: centre.iter().map(|x| x * x).sum(),
            signs: Rows::new(Self::row_bytes(quantization, centre.len()).0),
            sign_bytes: sign_bytes(quantization, padded),
            body: Body::new(quantization, padded, vectors),
            bound: AtomicUsize::new(0),
            trained_on,
            centre,
        }
    }

    /// Bytes of a row of signs and numbers, and of a row of finer codes: none where those are the vectors.
    pub(super) fn row_bytes(quantization: Quantization, dimension: usize) -> (usize, usize) {
        let padded = padded(dimension);
        let signs = sign_bytes(quantization, padded) + NUMBERS;
        (signs.next_power_of_two().min(signs.next_multiple_of(LINE)), quantization.row_bytes(padded))
    }

    /// What the codes are around.
    pub(super) fn centre(&self) -> &[f32] {
        &self.centre
    }

    /// Signs with numbers, and finer codes, as they are kept.
    pub(super) fn rows(&self) -> (&Rows<u8>, &Body) {
        (&self.signs, &self.body)
    }

    /// The same to be filled before anybody else has the codes.
    pub(super) fn rows_mut(&mut self) -> (&mut Rows<u8>, &mut Body) {
        (&mut self.signs, &mut self.body)
    }

    /// Makes room for points below `count`.
    pub(super) fn ensure(&self, count: usize) {
        self.signs.ensure(count);
        self.body.ensure(count);
        self.bound.fetch_max(count, Ordering::Release);
    }

    /// All points that have codes are below this.
    pub(super) fn bound(&self) -> usize {
        self.bound.load(Ordering::Acquire)
    }

    /// The difference from the centre, turned.
    fn turn_into(&self, vector: &[f32], turned: &mut Vec<f32>) {
        turned.clear();
        turned.extend(vector.iter().zip(&self.centre).map(|(x, c)| x - c));
        self.rotation.turn(turned);
    }

    /// Writes the code of a point that nobody can see yet.
    pub(super) fn put(&self, point: u32, vector: &[f32]) {
        if matches!(self.body, Body::Floats(_)) {
            return;
        }
        let mut turned = Vec::new();
        self.turn_into(vector, &mut turned);
        let squared = turned.iter().map(|x| x * x).sum::<f32>();
        let sum = turned.iter().map(|x| x.abs()).sum::<f32>();
        let most = turned.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let dimension = turned.len() as f32;
        // The cosine between the vector and its signs.
        let met = if squared > 0.0 { sum / (squared * dimension).sqrt() } else { 1.0 };
        let numbers = Numbers {
            sign_scale: if sum > 0.0 { squared / sum } else { 0.0 },
            sign_error: (squared * (1.0 - met * met).max(0.0) / (met * met) / (dimension - 1.0)).sqrt(),
            scale: self.body.scale(most),
            own: match self.metric {
                Metric::Euclidean => squared,
                Metric::Cosine | Metric::Dot => -vector.iter().zip(&self.centre).map(|(x, c)| x * c).sum::<f32>(),
            },
        };
        let mut signs = vec![0; self.signs.stride()];
        if self.sign_bytes > 0 {
            for (place, x) in turned.iter().enumerate() {
                signs[place / 8] |= u8::from(*x > 0.0) << (place % 8);
            }
        }
        numbers.write(&mut signs[self.sign_bytes..]);
        self.write(point, &signs, &turned, most);
    }

    #[allow(unsafe_code, reason = "rows are written in place")]
    fn write(&self, point: u32, signs: &[u8], turned: &[f32], most: f32) {
        // SAFETY: the one writer calls this, once a point, for points that no list, slot or entry names yet, or for codes that no search was given
        // yet. Its tasks end before it publishes either.
        unsafe {
            self.signs.write(point, signs);
            self.body.write(point, turned, most);
        }
    }

    #[inline]
    fn numbers(&self, point: u32) -> Numbers {
        Numbers::read(&self.signs.row(point)[self.sign_bytes..])
    }

    /// A vector to be compared with codes.
    pub(super) fn query(&self, vector: &[f32]) -> QueryCode {
        let mut query = QueryCode::default();
        self.query_into(vector, &mut Vec::new(), &mut query);
        query
    }

    /// The same in room that is at hand.
    pub(super) fn query_into(&self, vector: &[f32], turned: &mut Vec<f32>, query: &mut QueryCode) {
        if matches!(self.body, Body::Floats(_)) {
            query.floats.clear();
            query.floats.extend(vector);
            return;
        }
        self.turn_into(vector, turned);
        let base = match self.metric {
            Metric::Euclidean => turned.iter().map(|x| x * x).sum::<f32>(),
            Metric::Cosine | Metric::Dot => {
                self.centre_squared - vector.iter().zip(&self.centre).map(|(x, c)| x * c).sum::<f32>()
            }
        };
        match self.body {
            Body::Halves(_) => query.set_halves(turned, base),
            _ => query.set(turned, base),
        }
    }

    /// A point's own code as a query for other codes, without the parts that meet signs.
    pub(super) fn query_of(&self, point: u32) -> QueryCode {
        let mut query = QueryCode::default();
        self.query_of_into(point, &mut query);
        query
    }

    /// The same in room that is at hand.
    pub(super) fn query_of_into(&self, point: u32, query: &mut QueryCode) {
        let numbers = self.numbers(point);
        self.body.read_into(point, numbers.scale, query);
        query.base = numbers.own + if self.metric == Metric::Euclidean { 0.0 } else { self.centre_squared };
    }

    /// Brings what is compared first of a point to the nearest cache.
    #[inline]
    pub(super) fn prefetch(&self, point: u32) {
        if self.sign_bytes > 0 {
            self.signs.prefetch(point);
        } else {
            self.body.prefetch(point);
        }
    }

    /// Puts the distances of `points` into `into`, in their order, leaving out those that are seen by their signs to be beyond `bound`,
    /// going by `care` standard deviations of what signs may be wrong.
    pub(super) fn near(
        &self,
        query: &QueryCode,
        points: &[u32],
        (bound, care): (f32, f32),
        room: &mut CodeRoom,
        into: &mut Vec<Scored>,
    ) {
        into.clear();
        if self.sign_bytes == 0 || bound == f32::INFINITY {
            if self.sign_bytes > 0 {
                // The caller has asked for the signs alone.
                points.iter().for_each(|&point| self.body.prefetch(point));
            }
            return self.distances(query, points, &mut room.dots, into);
        }
        let CodeRoom { sums, dots, near } = room;
        Kernel::detected().sign_sums(&query.planes, points, |point| self.signs.row(point), sums);
        // As many pass as not: a branch would be foreseen wrongly half of the time.
        near.resize(points.len(), 0);
        let mut count = 0;
        for (&point, sum) in points.iter().zip(sums.iter()) {
            let numbers = self.numbers(point);
            let set = query.least * sum.ones as f32 + query.step * sum.weighted as f32;
            let product = numbers.sign_scale * (2.0 * set - query.total);
            let error = care * query.norm * numbers.sign_error;
            near[count] = point;
            count += usize::from(query.base + numbers.own - self.weight * (product + error) <= bound);
        }
        near.truncate(count);
        near.iter().for_each(|&point| self.body.prefetch(point));
        self.distances(query, near, dots, into);
    }

    /// The distances of `points` by their finer codes.
    pub(super) fn distances(&self, query: &QueryCode, points: &[u32], dots: &mut Vec<i32>, into: &mut Vec<Scored>) {
        match &self.body {
            Body::Bytes(rows) => {
                Kernel::detected().byte_dots(&query.bytes, query.bytes_sum, points, |point| rows.row(point), dots);
                let dots = points.iter().zip(dots.iter());
                into.extend(dots.map(|(&point, &dot)| self.scored(query, point, dot as f32)));
            }
            Body::Halves(rows) => {
                let scored = |&point| self.scored(query, point, half_dot(&query.halves, rows.row(point)));
                into.extend(points.iter().map(scored));
            }
            Body::Floats(rows) => {
                let distance = |point| self.metric.distance(&query.floats, rows.row(point));
                into.extend(points.iter().map(|&point| Scored { distance: distance(point), point }));
            }
        }
    }

    #[inline]
    fn scored(&self, query: &QueryCode, point: u32, dot: f32) -> Scored {
        let numbers = self.numbers(point);
        let product = query.scale * numbers.scale * dot;
        Scored { distance: query.base + numbers.own - self.weight * product, point }
    }

    /// By how much the distance of a point by its finer code may be too large.
    pub(super) fn error(&self, query: &QueryCode, point: u32) -> f32 {
        match self.body {
            Body::Floats(_) => 0.0,
            _ => self.weight * self.body.error() * query.norm * self.numbers(point).scale,
        }
    }

    /// By how much the distance of a point from one with the same code may be wrong.
    pub(super) fn step_error(&self, point: u32) -> f32 {
        self.error(&self.query_of(point), point)
    }

    /// Bytes of the codes of `count` points.
    pub(super) fn bytes(&self, count: usize) -> Bytes {
        [self.signs.bytes(count), self.body.bytes(count)].into_iter().sum()
    }
}

/// Bytes of signs in a row, where they are looked at.
fn sign_bytes(quantization: Quantization, padded: usize) -> usize {
    if quantization.resolved(padded) == Quantization::OneBit { padded / 8 } else { 0 }
}

impl Numbers {
    fn write(self, bytes: &mut [u8]) {
        let numbers = [self.sign_scale, self.sign_error, self.scale, self.own];
        bytes.as_chunks_mut::<4>().0.iter_mut().zip(numbers).for_each(|(bytes, x)| *bytes = x.to_le_bytes());
    }

    #[inline]
    fn read(bytes: &[u8]) -> Self {
        let number = |place: usize| f32::from_le_bytes(bytes.as_chunks::<4>().0[place]);
        Self { sign_scale: number(0), sign_error: number(1), scale: number(2), own: number(3) }
    }
}
