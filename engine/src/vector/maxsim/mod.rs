//! Late interaction: how well the tokens of a query meet the tokens of a passage.
//!
//! MaxSim (Khattab and Zaharia: "ColBERT", SIGIR 2020) takes for each token of the query its most similar token of the
//! passage. A passage's tokens are one sign a dimension; a query's are eight-bit integers. The inner products are integers
//! and the same on every processor, so rankings do not depend on the machine.

mod kernel;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;

use self::kernel::Kernel;

/// Dimensions of a token vector are a multiple of this.
pub const DIMENSION_STEP: usize = 64;

/// The token vectors of a query, as eight-bit integers with a scale for each token.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryTokens {
    dimension: usize,
    /// `tokens * dimension` numbers.
    values: Vec<i8>,
    /// Sum of each token's numbers.
    sums: Vec<i32>,
    /// What a token's inner product with signs is multiplied with to be a cosine.
    scales: Vec<f32>,
}

/// How similar each token of a passage is to each token of a query, with the room that computing it takes: kept from passage to
/// passage.
#[derive(Debug, Default)]
pub struct Similarities {
    /// Tokens of the query.
    row: usize,
    sums: Vec<i32>,
    cosines: Vec<f32>,
}

impl Similarities {
    /// Number of the passage's tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cosines.len() / self.row.max(1)
    }

    /// Whether there is nothing to compare.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cosines.is_empty()
    }

    /// The cosines of the passage's tokens with the query's, -1 to 1: for each of the passage's tokens, in order, one for each of the
    /// query's.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.cosines.chunks_exact(self.row.max(1))
    }

    /// Raises each number of `best`, one for each token of the query, to the similarity of the most similar of the passage's
    /// tokens at `tokens`.
    ///
    /// # Panics
    /// When `tokens` is beyond [`Similarities::len`].
    pub fn raise(&self, tokens: Range<usize>, best: &mut [f32]) {
        for row in self.cosines[tokens.start * self.row..tokens.end * self.row].chunks_exact(self.row.max(1)) {
            best.iter_mut().zip(row).for_each(|(best, &cosine)| *best = best.max(cosine));
        }
    }
}

impl QueryTokens {
    /// Quantises token vectors of `dimension` numbers each, one after the other. Vectors need not be normalised; one that
    /// is zero or not finite is similar to nothing. `None` when the dimension does not fit ([`DIMENSION_STEP`]) or the numbers are
    /// not whole vectors.
    #[must_use]
    pub fn quantise(vectors: &[f32], dimension: usize) -> Option<Self> {
        if dimension == 0 || !dimension.is_multiple_of(DIMENSION_STEP) || !vectors.len().is_multiple_of(dimension) {
            return None;
        }
        let mut tokens = Self { dimension, values: Vec::with_capacity(vectors.len()), sums: vec![], scales: vec![] };
        for vector in vectors.chunks_exact(dimension) {
            tokens.push(vector);
        }
        Some(tokens)
    }

    fn push(&mut self, vector: &[f32]) {
        const LARGEST: f32 = 127.0;
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        let most = vector.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let is_good = length.is_finite() && length > 0.0 && vector.iter().all(|x| x.is_finite());
        let step = if is_good { most / LARGEST } else { 0.0 };
        let quantised = |x: &f32| if is_good { (x / step).round() as i8 } else { 0 };
        let start = self.values.len();
        self.values.extend(vector.iter().map(quantised));
        self.sums.push(self.values[start..].iter().map(|&value| i32::from(value)).sum());
        // The signs' own length is the root of the dimension.
        self.scales.push(if is_good { step / length / (self.dimension as f32).sqrt() } else { 0.0 });
    }

    /// The tokens at `places` alone, in that order.
    ///
    /// # Panics
    /// When a place is not below [`QueryTokens::len`].
    #[must_use]
    pub fn at(&self, places: &[usize]) -> Self {
        let values = places.iter().flat_map(|&place| &self.values[place * self.dimension..][..self.dimension]);
        Self {
            dimension: self.dimension,
            values: values.copied().collect(),
            sums: places.iter().map(|&place| self.sums[place]).collect(),
            scales: places.iter().map(|&place| self.scales[place]).collect(),
        }
    }

    /// Number of tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// Whether there are no tokens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// Bytes of the signs of one passage token.
    #[must_use]
    pub fn sign_bytes(&self) -> usize {
        self.dimension / 8
    }

    /// How similar a passage's tokens are, whose `signs` are [`QueryTokens::sign_bytes`] each: bit `d % 8` of byte `d / 8` is set
    /// where component `d` is positive. Bytes beyond whole tokens are not read.
    /// O(tokens of the query * tokens of the passage * dimension).
    pub fn similarities(&self, signs: &[u8], into: &mut Similarities) {
        self.similarities_by(Kernel::detected(), signs, into);
    }

    fn similarities_by(&self, kernel: Kernel, signs: &[u8], into: &mut Similarities) {
        let tokens = signs.len() / self.sign_bytes();
        into.row = self.len();
        into.sums.clear();
        into.sums.resize(tokens * self.len(), 0);
        kernel.sums(&self.values, self.dimension, &signs[..tokens * self.sign_bytes()], &mut into.sums);
        into.cosines.clear();
        for row in into.sums.chunks_exact(self.len().max(1)) {
            let tokens = row.iter().zip(&self.sums).zip(&self.scales);
            // The kernels sum the numbers whose sign is set: the others count negatively.
            into.cosines.extend(tokens.map(|((&set, &sum), &scale)| ((2 * set - sum) as f32 * scale).clamp(-1.0, 1.0)));
        }
    }
}

/// The signs of token vectors, as [`QueryTokens::similarities`] reads them.
#[must_use]
pub fn signs(vectors: &[f32]) -> Vec<u8> {
    let byte = |eight: &[f32]| (0..).zip(eight).fold(0_u8, |byte, (bit, &x)| byte | (u8::from(x > 0.0) << bit));
    vectors.chunks(8).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vectors(tokens: usize, dimension: usize) -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec(-1.0_f32..1.0, tokens * dimension)
    }

    fn case() -> impl Strategy<Value = (usize, Vec<f32>, Vec<f32>)> {
        let sizes = (
            prop::sample::select(vec![64_usize, 128, 384, 768, 1024]),
            0_usize..20,
            prop_oneof![0_usize..5, Just(256)],
        );
        sizes.prop_flat_map(|(dimension, query, passage)| {
            (Just(dimension), vectors(query, dimension), vectors(passage, dimension))
        })
    }

    fn cosine(a: &[f32], signs: &[f32]) -> f32 {
        let sign = |x: f32| if x > 0.0 { 1.0 } else { -1.0 };
        let dot: f32 = a.iter().zip(signs).map(|(a, &b)| a * sign(b)).sum();
        dot / a.iter().map(|x| x * x).sum::<f32>().sqrt() / (a.len() as f32).sqrt()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn every_kernel_gives_the_same_similarities((dimension, query, passage) in case()) {
            let tokens = QueryTokens::quantise(&query, dimension).unwrap();
            let signs = signs(&passage);
            let (mut scalar, mut other) = (Similarities::default(), Similarities::default());
            tokens.similarities_by(Kernel::Scalar, &signs, &mut scalar);
            for kernel in Kernel::available() {
                tokens.similarities_by(kernel, &signs, &mut other);
                prop_assert_eq!(&scalar.cosines, &other.cosines, "{:?}", kernel);
            }
            prop_assert_eq!(scalar.cosines.len(), query.len() / dimension * (passage.len() / dimension));
            prop_assert_eq!(scalar.len(), if query.is_empty() { 0 } else { passage.len() / dimension });
        }

        #[test]
        fn similarities_are_cosines_with_signs((dimension, query, passage) in case()) {
            let tokens = QueryTokens::quantise(&query, dimension).unwrap();
            let mut found = Similarities::default();
            tokens.similarities(&signs(&passage), &mut found);
            let mut best = vec![f32::MIN; tokens.len()];
            for (row, other) in found.rows().zip(passage.chunks(dimension)) {
                for ((token, &found), best) in query.chunks(dimension).zip(row).zip(&mut best) {
                    prop_assert!((cosine(token, other) - found).abs() < 0.01);
                    *best = best.max(found);
                }
            }
            let mut raised = vec![f32::MIN; tokens.len()];
            found.raise(0..found.len(), &mut raised);
            prop_assert_eq!(raised, best);
        }
    }

    #[test]
    fn odd_vectors_are_similar_to_nothing() {
        let mut odd = vec![0.0; 64];
        odd.extend([f32::NAN; 64]);
        odd.extend([f32::INFINITY; 64]);
        let tokens = QueryTokens::quantise(&odd, 64).unwrap();
        let mut found = Similarities::default();
        tokens.similarities(&[0xFF; 17], &mut found);
        assert_eq!(found.rows().collect::<Vec<_>>(), [[0.0; 3], [0.0; 3]]);
        tokens.similarities(&[], &mut found);
        assert!(found.is_empty() && QueryTokens::quantise(&[], 64).unwrap().is_empty());
        assert!(QueryTokens::quantise(&odd, 0).is_none() && QueryTokens::quantise(&odd[..96], 96).is_none());
        assert!(QueryTokens::quantise(&odd[..65], 64).is_none());
    }
}
