//! The search effort of one collection: what searches take it to be, and what is known of the recall that comes of it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::control::{Aim, Control};
use crate::limits::LEG_DEPTH;
use crate::model::SearchSettings;
use crate::vector::limits::MAX_EF;

/// A collection's effort. Searches read it without a lock; whoever checks recall moves it.
#[derive(Debug)]
pub(crate) struct Effort {
    /// The effort by settings; 0 when it is chosen automatically.
    fixed: AtomicUsize,
    /// The effort of a search for [`LEG_DEPTH`] passages, where it is chosen automatically.
    automatic: AtomicUsize,
    /// Least effort, unless settings say otherwise.
    usual: usize,
    state: Mutex<State>,
    /// Searches so far that might have been samples.
    pub(super) asked: AtomicU64,
    pub(super) checked: AtomicU64,
    pub(super) dropped: AtomicU64,
}

#[derive(Debug)]
struct State {
    settings: SearchSettings,
    control: Control,
}

/// What is known of a collection's recall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Report {
    pub(crate) effort: usize,
    /// The mean of the samples at this effort; `None` without one.
    pub(crate) recall: Option<f64>,
    /// How many these are.
    pub(crate) samples: usize,
    /// Samples since the start.
    pub(crate) checked: u64,
    /// Samples that there was no time for since the start.
    pub(crate) dropped: u64,
}

impl Effort {
    /// The effort at the start; `usual` is the least unless settings say otherwise.
    pub(crate) fn new(settings: SearchSettings, usual: usize) -> Self {
        let effort = Self {
            fixed: AtomicUsize::new(0),
            automatic: AtomicUsize::new(0),
            usual,
            state: Mutex::new(State { settings, control: Control::default() }),
            asked: AtomicU64::new(0),
            checked: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        };
        effort.configure(settings);
        effort
    }

    /// Takes over changed settings. What was learned stays, within them.
    pub(crate) fn configure(&self, settings: SearchSettings) {
        let mut state = self.state.lock();
        let before = self.present();
        let floor = self.floor(&settings);
        self.fixed.store(settings.ef.map_or(0, |ef| ef as usize), Ordering::Relaxed);
        self.automatic.fetch_max(floor, Ordering::Relaxed);
        if state.settings != settings || before != self.present() {
            *state = State { settings, control: Control::default() };
        }
    }

    fn floor(&self, settings: &SearchSettings) -> usize {
        settings.ef_min.map_or(self.usual, |ef| ef as usize)
    }

    /// The effort as it is reported: of a search for [`LEG_DEPTH`] passages.
    pub(crate) fn present(&self) -> usize {
        match self.fixed.load(Ordering::Relaxed) {
            0 => self.automatic.load(Ordering::Relaxed),
            fixed => fixed,
        }
    }

    /// The `ef` of a search for `depth` passages where the present effort is `effort`: more for more, in proportion, unless settings fix it.
    pub(crate) fn ef(&self, effort: usize, depth: usize) -> usize {
        match self.fixed.load(Ordering::Relaxed) {
            0 => (effort * depth.max(LEG_DEPTH) / LEG_DEPTH).min(MAX_EF),
            fixed => fixed,
        }
    }

    /// Takes in the recall of a search that was done with `effort`; answers the new effort when that changes it.
    pub(super) fn observe(&self, recall: f64, effort: usize) -> Option<usize> {
        self.checked.fetch_add(1, Ordering::Relaxed);
        let mut state = self.state.lock();
        // One that was done before the last change says nothing about the effort as it is now.
        if effort != self.present() {
            return None;
        }
        state.control.observe(recall);
        if state.settings.ef.is_some() {
            return None;
        }
        let aim = Aim { target: state.settings.recall_target, floor: self.floor(&state.settings) };
        let next = state.control.decide(effort, aim);
        self.automatic.store(next, Ordering::Relaxed);
        (next != effort).then_some(next)
    }

    /// What is known now.
    pub(crate) fn report(&self) -> Report {
        let state = self.state.lock();
        let window = state.control.window();
        Report {
            effort: self.present(),
            recall: window.mean(),
            samples: window.len(),
            checked: self.checked.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RECALL_SAMPLES_MIN;

    fn poor(effort: &Effort) {
        (0..RECALL_SAMPLES_MIN + 1).for_each(|_| {
            effort.observe(0.5, effort.present());
        });
    }

    #[test]
    fn deeper_searches_take_more_in_proportion() {
        let effort = Effort::new(SearchSettings::default(), 128);
        let ef = |depth| effort.ef(effort.present(), depth);
        assert_eq!((ef(10), ef(100), ef(200), ef(2_000)), (128, 128, 256, 2_560));
        assert_eq!(ef(usize::MAX / 4_096), MAX_EF);
    }

    #[test]
    fn a_fixed_effort_is_measured_and_stays() {
        let effort = Effort::new(SearchSettings { ef: Some(40), ..SearchSettings::default() }, 128);
        poor(&effort);
        let report = effort.report();
        assert_eq!((report.effort, report.recall, report.samples), (40, Some(0.5), RECALL_SAMPLES_MIN + 1));
        assert_eq!(effort.ef(40, 2_000), 40);
    }

    #[test]
    fn changed_settings_hold_at_once_and_what_was_learned_stays() {
        let effort = Effort::new(SearchSettings { ef_min: Some(10), ..SearchSettings::default() }, 128);
        assert_eq!(effort.present(), 10);
        poor(&effort);
        assert_eq!((effort.present(), effort.report().samples), (200, 1), "{:?}", effort.report());
        effort.configure(SearchSettings { ef: Some(300), ..SearchSettings::default() });
        assert_eq!((effort.present(), effort.report().recall), (300, None));
        effort.configure(SearchSettings { ef_min: Some(15), ..SearchSettings::default() });
        assert_eq!(effort.present(), 200);
        effort.configure(SearchSettings { ef_min: Some(250), ..SearchSettings::default() });
        assert_eq!(effort.present(), 250);
    }

    #[test]
    fn a_sample_of_another_effort_says_nothing() {
        let effort = Effort::new(SearchSettings::default(), 128);
        assert_eq!(effort.observe(0.5, 64), None);
        let report = effort.report();
        assert_eq!((report.recall, report.samples, report.checked), (None, 0, 1));
    }
}
