//! Ways to let the tokens of a query meet those of a passage.

use super::passages::Passage;

/// What is kept of a passage's tokens, and how they are compared.
#[derive(Clone, Copy)]
pub(super) struct Variant {
    pub(super) name: &'static str,
    /// One bit a dimension, or the whole number.
    pub(super) signs: bool,
    /// So many neighbouring tokens become one.
    pub(super) pool: usize,
    /// Whether tokens of title and headings take part.
    pub(super) headings: bool,
    /// The power of the inverse document frequency by which a query's token counts.
    pub(super) idf: f32,
}

/// What the engine does.
pub(super) const OURS: Variant =
    Variant { name: "as the engine does it", signs: true, pool: 1, headings: true, idf: 1.0 };

/// What could be done instead.
pub(super) const OTHERS: [Variant; 7] = [
    Variant { name: "whole numbers (32 bits)", signs: false, ..OURS },
    Variant { name: "pairs of tokens pooled", pool: 2, ..OURS },
    Variant { name: "fours of tokens pooled", pool: 4, ..OURS },
    Variant { name: "without title and headings", headings: false, ..OURS },
    Variant { name: "all tokens count the same", idf: 0.0, ..OURS },
    Variant { name: "root of the idf", idf: 0.5, ..OURS },
    Variant { name: "square of the idf", idf: 2.0, ..OURS },
];

impl Variant {
    /// MaxSim of a query, whose `vectors` have unit length, with a passage.
    pub(super) fn maxsim(&self, vectors: &[f32], idfs: &[f32], passage: &Passage) -> f32 {
        let dimension = vectors.len() / idfs.len().max(1);
        let from = if self.headings { 0 } else { passage.before * dimension };
        let kept = self.kept(&passage.vectors[from..], dimension);
        let weights = idfs.iter().map(|idf| idf.powf(self.idf));
        let total: f32 = weights.clone().sum();
        let best = |token: &[f32]| {
            let similar = kept.chunks_exact(dimension).map(|other| dot(token, other));
            similar.fold(0.0_f32, f32::max)
        };
        let met: f32 = vectors.chunks_exact(dimension).zip(weights).map(|(token, weight)| weight * best(token)).sum();
        if total > 0.0 { met / total } else { 0.0 }
    }

    /// What is kept of a passage's tokens, each of unit length.
    fn kept(&self, tokens: &[f32], dimension: usize) -> Vec<f32> {
        let mut kept = Vec::with_capacity(tokens.len() / self.pool);
        for some in tokens.chunks(self.pool * dimension) {
            let mut mean = vec![0.0; dimension];
            for token in some.chunks_exact(dimension) {
                mean.iter_mut().zip(token).for_each(|(sum, x)| *sum += x);
            }
            if self.signs {
                mean.iter_mut().for_each(|x| *x = if *x > 0.0 { 1.0 } else { -1.0 });
            }
            kept.extend(super::passages::unit(mean, 1));
        }
        kept
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage() -> Passage {
        Passage { vectors: vec![1.0, 0.0, 0.6, 0.8, -0.6, 0.8], before: 1 }
    }

    #[test]
    fn variants_keep_what_they_say() {
        let query = [1.0, 0.0];
        let of = |variant: Variant| variant.maxsim(&query, &[2.0], &passage());
        assert!((of(Variant { signs: false, ..OURS }) - 1.0).abs() < 1e-6);
        assert!((of(Variant { signs: false, headings: false, ..OURS }) - 0.6).abs() < 1e-6);
        assert!((of(OURS) - 0.5_f32.sqrt()).abs() < 1e-6, "every sign vector is a diagonal");
        let pooled = of(Variant { signs: false, pool: 3, ..OURS });
        assert!((pooled - 1.0 / (1.0_f32 + 1.6 * 1.6).sqrt()).abs() < 1e-6, "{pooled}");
    }

    #[test]
    fn rare_tokens_count_more() {
        let query = [1.0, 0.0, 0.0, -1.0];
        let even = Variant { idf: 0.0, signs: false, ..OURS }.maxsim(&query, &[3.0, 1.0], &passage());
        let ours = Variant { signs: false, ..OURS }.maxsim(&query, &[3.0, 1.0], &passage());
        assert!((even - 0.5).abs() < 1e-6 && (ours - 0.75).abs() < 1e-6, "{even} {ours}");
    }
}
