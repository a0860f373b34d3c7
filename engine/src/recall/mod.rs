//! Recall on duty: a share of the searches is answered exactly as well, in the background and within a budget of time, and the
//! effort of a collection's searches follows from what that shows.
//!
//! A sample holds the view of its search, and while it does the view's slots keep their vectors: the exact answer is that of the very
//! passages that the search could find, whatever is written meanwhile.

mod control;
mod duty;
mod effort;
mod sampler;
mod window;

#[cfg(test)]
pub(crate) use duty::check;
pub(crate) use duty::on_duty;
pub(crate) use effort::Effort;
pub(crate) use sampler::{Sample, Sampler};

/// How much of the searches is checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecallOptions {
    /// Share of the approximate vector searches that are answered exactly as well, 0 to 1; 0 checks none.
    pub sample_share: f64,
    /// Share of one processor that the exact answers may take, above 0 to 1. Samples beyond it are dropped.
    pub cpu_share: f64,
}

impl Default for RecallOptions {
    fn default() -> Self {
        Self { sample_share: 0.01, cpu_share: 0.02 }
    }
}
