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

/// The token of a passage that is most similar to a token of the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Cosine of the query token's vector with the passage token's signs, -1 to 1.
    pub similarity: f32,
    /// Its position among the passage's tokens; the first of equals.
    pub token: u32,
}

/// The best matches of a query's tokens, with the room that computing them takes: kept from passage to passage.
#[derive(Debug, Default)]
pub struct Matches {
    best: Vec<(i32, u32)>,
    found: Vec<Match>,
}

impl Matches {
    /// The match of each token of the query, in order; empty when the passage had no tokens.
    #[must_use]
    pub fn found(&self) -> &[Match] {
        &self.found
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

    /// The best match of each token of the query among a passage's tokens, whose `signs` are [`QueryTokens::sign_bytes`] each: bit
    /// `d % 8` of byte `d / 8` is set where component `d` is positive. Bytes beyond whole tokens are not read. No matches at
    /// all when the passage has no tokens. O(tokens of the query * tokens of the passage * dimension).
    pub fn matches(&self, signs: &[u8], into: &mut Matches) {
        self.matches_by(Kernel::detected(), signs, into);
    }

    fn matches_by(&self, kernel: Kernel, signs: &[u8], into: &mut Matches) {
        let Matches { best, found } = into;
        found.clear();
        if signs.len() < self.sign_bytes() {
            return;
        }
        best.clear();
        best.resize(self.len(), (i32::MIN, 0));
        kernel.best(&self.values, self.dimension, signs, best);
        let tokens = best.iter().zip(&self.sums).zip(&self.scales);
        // The kernels sum the numbers whose sign is set: the others count negatively.
        found.extend(tokens.map(|((&(set, token), &sum), &scale)| Match {
            similarity: ((2 * set - sum) as f32 * scale).clamp(-1.0, 1.0),
            token,
        }));
    }
}

/// The signs of token vectors, as [`QueryTokens::matches`] reads them.
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
        fn every_kernel_gives_the_same_matches((dimension, query, passage) in case()) {
            let tokens = QueryTokens::quantise(&query, dimension).unwrap();
            let signs = signs(&passage);
            let (mut scalar, mut other) = (Matches::default(), Matches::default());
            tokens.matches_by(Kernel::Scalar, &signs, &mut scalar);
            for kernel in Kernel::available() {
                tokens.matches_by(kernel, &signs, &mut other);
                prop_assert_eq!(scalar.found(), other.found(), "{:?}", kernel);
            }
            prop_assert_eq!(scalar.found().len(), if passage.is_empty() { 0 } else { query.len() / dimension });
        }

        #[test]
        fn matches_are_the_most_similar_tokens((dimension, query, passage) in case()) {
            let tokens = QueryTokens::quantise(&query, dimension).unwrap();
            let mut found = Matches::default();
            tokens.matches(&signs(&passage), &mut found);
            for (token, found) in query.chunks(dimension).zip(found.found()) {
                let exact: Vec<f32> = passage.chunks(dimension).map(|other| cosine(token, other)).collect();
                let best = exact.iter().copied().fold(f32::MIN, f32::max);
                prop_assert!((found.similarity - best).abs() < 0.01);
                prop_assert!((exact[found.token as usize] - best).abs() < 0.01);
            }
        }
    }

    #[test]
    fn odd_vectors_are_similar_to_nothing() {
        let mut odd = vec![0.0; 64];
        odd.extend([f32::NAN; 64]);
        odd.extend([f32::INFINITY; 64]);
        let tokens = QueryTokens::quantise(&odd, 64).unwrap();
        let mut found = Matches::default();
        tokens.matches(&[0xFF; 16], &mut found);
        assert_eq!(found.found(), [Match { similarity: 0.0, token: 0 }; 3]);
        tokens.matches(&[], &mut found);
        assert!(found.found().is_empty() && QueryTokens::quantise(&[], 64).unwrap().is_empty());
        assert!(QueryTokens::quantise(&odd, 0).is_none() && QueryTokens::quantise(&odd[..96], 96).is_none());
        assert!(QueryTokens::quantise(&odd[..65], 64).is_none());
    }
}
