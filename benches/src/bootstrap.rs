//! Paired bootstrap over questions: is one system better than another, or is it the luck of the
//! questions? (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 16.)

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::limits;

/// The difference of two systems over the same questions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// Mean of `a - b`.
    pub mean: f64,
    /// Lower end of the interval that holds 95 % of the resampled means.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
    /// Two-sided share of resampled means on the other side of zero.
    pub p: f64,
    /// Questions on which `a` is better, equal and worse.
    pub wins_ties_losses: [usize; 3],
}

/// Compares paired values, one pair a question; nothing when there is no pair.
#[must_use]
pub fn paired(pairs: &[(f64, f64)], seed: u64) -> Option<Difference> {
    if pairs.is_empty() {
        return None;
    }
    let differences: Vec<f64> = pairs.iter().map(|(a, b)| a - b).collect();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut means: Vec<f64> = (0..limits::RESAMPLES).map(|_| resampled_mean(&differences, &mut random)).collect();
    means.sort_by(f64::total_cmp);
    let share = |count: usize| count as f64 / means.len() as f64;
    let below = share(means.iter().filter(|mean| **mean <= 0.0).count());
    let above = share(means.iter().filter(|mean| **mean >= 0.0).count());
    let count = |test: fn(f64) -> bool| differences.iter().filter(|it| test(**it)).count();
    Some(Difference {
        mean: differences.iter().sum::<f64>() / differences.len() as f64,
        low: quantile(&means, 0.025),
        high: quantile(&means, 0.975),
        p: (2.0 * below.min(above)).min(1.0),
        wins_ties_losses: [count(|it| it > 0.0), count(|it| it == 0.0), count(|it| it < 0.0)],
    })
}

fn resampled_mean(differences: &[f64], random: &mut ChaCha8Rng) -> f64 {
    let sum: f64 = (0..differences.len()).map(|_| differences[random.random_range(0..differences.len())]).sum();
    sum / differences.len() as f64
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_equal_to_itself_differs_by_nothing() {
        let difference = paired(&[(0.5, 0.5); 30], 1).unwrap();
        assert_eq!((difference.mean, difference.low, difference.high, difference.p), (0.0, 0.0, 0.0, 1.0));
        assert_eq!(difference.wins_ties_losses, [0, 30, 0]);
    }

    #[test]
    fn a_steady_gain_is_significant() {
        let pairs: Vec<(f64, f64)> = (0..40).map(|i| (0.6 + f64::from(i % 3) * 0.1, 0.5)).collect();
        let difference = paired(&pairs, 1).unwrap();
        assert!(difference.low > 0.0 && difference.p < 0.001, "{difference:?}");
    }

    #[test]
    fn one_lucky_question_is_not() {
        let mut pairs = vec![(0.5, 0.5); 39];
        pairs.push((1.0, 0.0));
        assert!(paired(&pairs, 1).unwrap().p > 0.3);
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let pairs: Vec<(f64, f64)> = (0..20).map(|i| (f64::from(i % 7), f64::from(i % 5))).collect();
        assert_eq!(paired(&pairs, 7), paired(&pairs, 7));
        assert!(paired(&[], 7).is_none());
    }
}
