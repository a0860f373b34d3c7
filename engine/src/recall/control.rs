//! The effort that a recall target takes: raised as soon as samples show that recall is too low, lowered slowly when it is more than enough.

use super::window::Window;
use crate::limits::{LEG_DEPTH, RECALL_SAMPLES_MIN, RECALL_WINDOW};
use crate::vector::limits::MAX_EF;

/// Least and largest factor of one raise.
const RAISE: (f64, f64) = (1.2, 2.0);
/// How much of the lack of recall a raise makes up for, as a power: what is missed falls about as fast as effort rises, or faster.
const RAISE_POWER: f64 = 0.75;
/// Factor of one step down.
const LOWER: f64 = 0.87;
/// Windows for which recall must be comfortable before a step down: at first, and at most.
const PATIENCE: (usize, usize) = (2, 64);

/// What the effort is to keep to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aim {
    /// Recall that searches shall have.
    pub(super) target: f64,
    /// Least effort.
    pub(super) floor: usize,
}

/// What decides about a collection's effort. One sample after the other goes in, the effort from then on comes out.
#[derive(Debug)]
pub(super) struct Control {
    /// Samples at the present effort.
    window: Window,
    /// Samples in a row after which recall was comfortably above the target.
    comfortable: usize,
    /// Windows for which it must have been; doubles whenever a step down has to be taken back.
    patience: usize,
    /// The last step was one down.
    came_down: bool,
}

impl Default for Control {
    fn default() -> Self {
        Self { window: Window::default(), comfortable: 0, patience: PATIENCE.0, came_down: false }
    }
}

impl Control {
    /// The samples at the present effort.
    pub(super) fn window(&self) -> &Window {
        &self.window
    }

    /// Takes in the recall of a search that was done with `effort`.
    pub(super) fn observe(&mut self, recall: f64) {
        self.window.add(recall);
    }

    /// The effort after the samples so far, where it is `effort` now.
    pub(super) fn decide(&mut self, effort: usize, aim: Aim) -> usize {
        let Some(mean) = self.window.mean() else { return effort };
        let allowed = 1.0 - aim.target;
        let doubt = self.window.doubt(allowed);
        let is_sure = self.window.len() >= RECALL_SAMPLES_MIN && mean + doubt < aim.target;
        let next = if is_sure || (self.window.is_full() && mean < aim.target) {
            self.raised(effort, (1.0 - mean) / allowed)
        } else if self.is_comfortable(mean - doubt > aim.target + allowed / 2.0) {
            ((effort as f64 * LOWER) as usize).max(aim.floor).min(effort)
        } else {
            effort
        };
        if next != effort {
            self.came_down = next < effort;
            self.comfortable = 0;
            self.window.clear();
        }
        next
    }

    /// The next effort up, where `lack` times as much is missed as may be.
    fn raised(&mut self, effort: usize, lack: f64) -> usize {
        if self.came_down {
            self.patience = (self.patience * 2).min(PATIENCE.1);
        }
        let factor = lack.powf(RAISE_POWER).clamp(RAISE.0, RAISE.1);
        // Less counts as that in every search.
        let from = effort.max(LEG_DEPTH);
        ((from as f64 * factor).ceil() as usize).clamp(effort, MAX_EF.max(effort))
    }

    /// Whether recall has been comfortable for long enough, now that it `is` or is not.
    fn is_comfortable(&mut self, is: bool) -> bool {
        self.comfortable = if is && self.window.is_full() { self.comfortable + 1 } else { 0 };
        self.comfortable >= self.patience * RECALL_WINDOW
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const AIM: Aim = Aim { target: 0.95, floor: 128 };

    /// What is missed falls with effort: `at_floor` of it at an effort of 128.
    fn curve(at_floor: f64, power: f64) -> impl Fn(usize) -> f64 {
        move |effort| 1.0 - at_floor * (effort as f64 / 128.0).powf(-power)
    }

    struct Run {
        control: Control,
        rng: ChaCha8Rng,
        effort: usize,
        steps: Vec<usize>,
    }

    impl Run {
        fn from(effort: usize) -> Self {
            Self { control: Control::default(), rng: ChaCha8Rng::seed_from_u64(7), effort, steps: Vec::new() }
        }

        /// `samples` searches for 100 passages, of queries that are more and less hard.
        fn go(&mut self, samples: usize, aim: Aim, recall: impl Fn(usize) -> f64) -> &mut Self {
            for _ in 0..samples {
                let hardness = self.rng.random_range(0.0..2.0);
                let missing = (1.0 - recall(self.effort).clamp(0.0, 1.0)) * hardness;
                let found = (0..100).filter(|_| self.rng.random_range(0.0..1.0) >= missing).count();
                self.control.observe(found as f64 / 100.0);
                let next = self.control.decide(self.effort, aim);
                if next != self.effort {
                    self.steps.push(next);
                }
                self.effort = next;
            }
            self
        }
    }

    #[test]
    fn a_poor_recall_is_mended_within_some_hundred_samples() {
        for (at_floor, power) in [(0.10, 1.0), (0.15, 1.5), (0.3, 1.0), (0.6, 2.0)] {
            let recall = curve(at_floor, power);
            let mut run = Run::from(128);
            run.go(600, AIM, &recall);
            assert!(recall(run.effort) >= 0.945, "{at_floor} {power}: {} at {:?}", recall(run.effort), run.steps);
            assert!(recall(run.effort) <= 0.985, "no more than it takes: {at_floor} {power}: {:?}", run.steps);
        }
    }

    #[test]
    fn a_recall_that_is_far_too_low_is_noticed_soon_and_a_few_unlucky_samples_are_not() {
        let mut run = Run::from(128);
        run.go(RECALL_SAMPLES_MIN + 2, AIM, |_| 0.6);
        assert_eq!(run.steps, [256], "at most twice as much at once");
        let mut unlucky = Run::from(128);
        unlucky.go(3, AIM, |_| 0.5).go(300, AIM, |_| 0.975);
        assert!(unlucky.steps.is_empty(), "{:?}", unlucky.steps);
    }

    #[test]
    fn it_does_not_swing() {
        // Gentle, and so steep that each effort is far too much or far too little.
        let steep = |effort: usize| if effort < 300 { 0.80 } else { 0.999 };
        let mut run = Run::from(128);
        run.go(300, AIM, steep);
        assert!(run.effort >= 300);
        run.steps.clear();
        run.go(20_000, AIM, steep);
        let raises = run.steps.windows(2).filter(|pair| pair[1] > pair[0]).count();
        assert!(raises <= 6, "each attempt to come down waits twice as long: {:?}", run.steps);
        let gentle = curve(0.12, 1.0);
        let mut run = Run::from(128);
        run.go(2_000, AIM, &gentle).steps.clear();
        run.go(20_000, AIM, &gentle);
        assert!(run.steps.len() <= 2, "{:?}", run.steps);
    }

    #[test]
    fn it_comes_back_slowly_and_not_below_the_floor() {
        let mut run = Run::from(128);
        run.go(600, AIM, curve(0.4, 1.0));
        let high = run.effort;
        assert!(high > 500, "{high}");
        run.steps.clear();
        run.go(PATIENCE.0 * RECALL_WINDOW, AIM, |_| 0.999);
        assert_eq!(run.effort, high, "not at once");
        run.go(20_000, AIM, |_| 0.999);
        assert_eq!(run.effort, 128);
        assert!(run.steps.is_sorted_by(|a, b| a > b), "{:?}", run.steps);
    }

    #[test]
    fn efforts_are_bounded() {
        let mut run = Run::from(128);
        run.go(2_000, AIM, |_| 0.5);
        assert_eq!(run.effort, MAX_EF);
        let exacting = Aim { target: 0.999, floor: 100 };
        let mut run = Run::from(4_000);
        run.go(40_000, exacting, |_| 1.0);
        assert_eq!(run.effort, 100, "also with a target so near to 1");
    }
}
