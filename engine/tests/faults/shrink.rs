//! Leaving out steps of a trace that fails, as long as what is left still fails.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::trace::Trace;

/// Shrinking stops after so long.
const TIME: Duration = Duration::from_secs(60);
/// Not everything is decided by the seed: a trace counts as good when it has passed so often.
pub(crate) const TRIES: usize = 3;

/// Leaves out halves, quarters, and so on down to single steps. `fails` runs a trace once.
pub(crate) fn shrink(trace: &Trace, fails: impl Fn(&Trace) -> bool) -> Trace {
    let began = Instant::now();
    let mut kept: Vec<usize> = trace.steps.iter().map(|(number, _)| *number).collect();
    let mut size = kept.len().div_ceil(2);
    while size > 0 {
        let mut begin = 0;
        while begin < kept.len() {
            if began.elapsed() > TIME {
                return only(trace, &kept);
            }
            let end = (begin + size).min(kept.len());
            let rest: Vec<usize> = kept[..begin].iter().chain(&kept[end..]).copied().collect();
            let candidate = only(trace, &rest);
            if (0..TRIES).any(|_| fails(&candidate)) {
                kept = rest;
            } else {
                begin = end;
            }
        }
        size /= 2;
    }
    only(trace, &kept)
}

fn only(trace: &Trace, kept: &[usize]) -> Trace {
    let kept: BTreeSet<usize> = kept.iter().copied().collect();
    trace.with(|number| kept.contains(&number))
}
