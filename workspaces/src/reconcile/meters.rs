//! What is counted.

use std::time::Duration;

use crate::workspace::State;

/// The workspaces by state, as the process that reconciles counts them. Those of another process count from the moment this is dropped.
#[derive(Debug, Default)]
pub(super) struct ByState;

impl ByState {
    pub(super) fn set(counts: [u32; State::ALL.len()]) {
        for (state, count) in State::ALL.into_iter().zip(counts) {
            metrics::gauge!("workspaces_by_state", "state" => state.name()).set(count);
        }
    }
}

impl Drop for ByState {
    fn drop(&mut self) {
        Self::set([0; State::ALL.len()]);
    }
}

pub(super) fn step(result: &'static str, took: Duration) {
    metrics::counter!("workspaces_reconciled_total", "result" => result).increment(1);
    metrics::histogram!("workspaces_reconcile_seconds").record(took.as_secs_f64());
}

pub(super) fn idle() {
    metrics::counter!("workspaces_idle_suspended_total").increment(1);
}
