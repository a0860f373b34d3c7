//! What the last samples say about recall: their mean, and how far off it may be.

use std::collections::VecDeque;

use crate::limits::RECALL_WINDOW;

/// Deviations of the mean that count as doubt: a mean that is off by more comes by chance in fewer than one of a hundred cases.
const DEVIATIONS: f64 = 2.5;

/// The recall of the last [`RECALL_WINDOW`] searches that were checked, each 0 to 1.
#[derive(Debug, Default)]
pub(super) struct Window {
    samples: VecDeque<f64>,
}

impl Window {
    pub(super) fn add(&mut self, recall: f64) {
        if self.is_full() {
            self.samples.pop_front();
        }
        self.samples.push_back(recall);
    }

    pub(super) fn clear(&mut self) {
        self.samples.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.samples.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= RECALL_WINDOW
    }

    /// The mean; `None` without samples.
    pub(super) fn mean(&self) -> Option<f64> {
        let count = self.len() as f64;
        (count > 0.0).then(|| self.samples.iter().sum::<f64>() / count)
    }

    /// How far the mean may be off. `prior` is the deviation of one sample more: without it, few equal samples would leave no doubt.
    pub(super) fn doubt(&self, prior: f64) -> f64 {
        let Some(mean) = self.mean() else { return f64::INFINITY };
        let count = self.len() as f64;
        let squares: f64 = self.samples.iter().map(|recall| (recall - mean).powi(2)).sum();
        DEVIATIONS * (squares + prior * prior).sqrt() / count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_that_of_the_last_samples() {
        let mut window = Window::default();
        assert_eq!(window.mean(), None);
        (0..RECALL_WINDOW).for_each(|_| window.add(0.0));
        (0..RECALL_WINDOW / 2).for_each(|_| window.add(1.0));
        assert_eq!((window.mean(), window.len(), window.is_full()), (Some(0.5), RECALL_WINDOW, true));
        window.clear();
        assert_eq!((window.mean(), window.len()), (None, 0));
    }

    #[test]
    fn doubt_falls_with_samples_and_rises_with_their_spread() {
        let filled = |count: usize, low: f64| {
            let mut window = Window::default();
            (0..count).for_each(|i| window.add(if i % 2 == 0 { low } else { 1.0 }));
            window.doubt(0.05)
        };
        assert_eq!(Window::default().doubt(0.05), f64::INFINITY);
        assert!(filled(1, 1.0) > 0.1);
        assert!(filled(100, 0.8) < filled(10, 0.8) / 3.0);
        assert!(filled(100, 0.8) > filled(100, 0.9));
        // A deviation of .1 in a hundred samples is one of .01 of their mean.
        assert!((filled(100, 0.8) - DEVIATIONS * 0.01).abs() < 1e-3);
    }
}
