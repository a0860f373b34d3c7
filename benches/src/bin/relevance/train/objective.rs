//! What training minimises: how surprised the ranking is by what was judged.
//!
//! The loss of a question is the mean over its judged items of `-ln p`, where `p` is the share that candidates which cover
//! the item have of the softmax of all candidates' scores (ListNet's top-one probability; Cao et al., ICML 2007). Sets count
//! the same, however many questions they have. A ridge pulls the weights to where they begin.

use anyhow::{Result, anyhow};
use argmin::core::{CostFunction, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;

/// A question: features of its candidates, and for each judged item the candidates that cover it.
pub(super) struct Example {
    pub(super) features: Vec<Vec<f64>>,
    pub(super) covering: Vec<Vec<usize>>,
}

/// The questions of several sets, and where weights begin.
pub(super) struct Objective<'a> {
    pub(super) sets: Vec<&'a [Example]>,
    pub(super) start: Vec<f64>,
    pub(super) ridge: f64,
}

/// Steps of the minimiser at most.
const STEPS: u64 = 200;
/// Gradients that the minimiser remembers.
const MEMORY: usize = 7;

impl Objective<'_> {
    /// The weights with the smallest loss.
    pub(super) fn minimise(self) -> Result<Vec<f64>> {
        let start = self.start.clone();
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY);
        let run = Executor::new(self, solver).configure(|state| state.param(start).max_iters(STEPS)).run();
        let run = run.map_err(|error| anyhow!("minimise the loss: {error}"))?;
        run.state().get_best_param().cloned().ok_or_else(|| anyhow!("the minimiser found no weights"))
    }

    fn loss_and_gradient(&self, weights: &[f64]) -> (f64, Vec<f64>) {
        let apart = weights.iter().zip(&self.start).map(|(weight, start)| weight - start);
        let mut loss = self.ridge * apart.clone().map(|it| it * it).sum::<f64>();
        let mut gradient: Vec<f64> = apart.map(|it| 2.0 * self.ridge * it).collect();
        for set in &self.sets {
            let share = 1.0 / (self.sets.len() * set.len().max(1)) as f64;
            set.iter().for_each(|example| loss += share * example.add(weights, share, &mut gradient));
        }
        (loss, gradient)
    }
}

impl Example {
    /// Adds the gradient of this question's loss, times `share`; answers the loss.
    fn add(&self, weights: &[f64], share: f64, gradient: &mut [f64]) -> f64 {
        let scores: Vec<f64> = self.features.iter().map(|features| dot(features, weights)).collect();
        let most = scores.iter().copied().fold(f64::MIN, f64::max);
        let powers: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
        let all: f64 = powers.iter().sum();
        let items = self.covering.len() as f64;
        let mut loss = 0.0;
        for covering in &self.covering {
            let part: f64 = covering.iter().map(|&candidate| powers[candidate]).sum();
            loss -= (part / all).max(f64::MIN_POSITIVE).ln() / items;
            for &candidate in covering {
                let pull = share * powers[candidate] / part.max(f64::MIN_POSITIVE) / items;
                add(gradient, &self.features[candidate], -pull);
            }
        }
        for (features, power) in self.features.iter().zip(&powers) {
            add(gradient, features, share * power / all);
        }
        loss
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], what: &[f64], times: f64) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

impl CostFunction for Objective<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, weights: &Self::Param) -> Result<f64, argmin::core::Error> {
        Ok(self.loss_and_gradient(weights).0)
    }
}

impl Gradient for Objective<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, weights: &Self::Param) -> Result<Self::Gradient, argmin::core::Error> {
        Ok(self.loss_and_gradient(weights).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Vec<Example> {
        let features = vec![vec![0.9, 0.1], vec![0.2, 0.8], vec![0.5, 0.5]];
        vec![
            Example { features: features.clone(), covering: vec![vec![1], vec![2, 1]] },
            Example { features, covering: vec![vec![1]] },
        ]
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let examples = examples();
        let objective = Objective { sets: vec![&examples], start: vec![1.0, 1.0], ridge: 0.1 };
        let at = [0.3, -0.7];
        let (_, gradient) = objective.loss_and_gradient(&at);
        for place in 0..2 {
            let moved = |by: f64| {
                let mut at = at;
                at[place] += by;
                objective.loss_and_gradient(&at).0
            };
            let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((slope - gradient[place]).abs() < 1e-6, "{slope} {}", gradient[place]);
        }
    }

    #[test]
    fn what_tells_the_right_candidate_gets_the_weight() {
        let examples = examples();
        let objective = Objective { sets: vec![&examples], start: vec![1.0, 1.0], ridge: 1e-3 };
        let weights = objective.minimise().unwrap();
        assert!(weights[1] > weights[0] + 1.0, "{weights:?}");
        let strict = Objective { sets: vec![&examples], start: vec![1.0, 1.0], ridge: 1e6 };
        assert!(strict.minimise().unwrap().iter().all(|weight| (weight - 1.0).abs() < 1e-3));
    }
}
