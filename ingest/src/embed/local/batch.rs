//! Groups texts of similar length into runs, so that little padding is computed.

use super::super::limits::MAX_RUN_TOKENS;

/// Positions of the texts of each run, at most `most`, given every text's length in tokens. Longest runs first, so
/// that the workers finish together.
pub(super) fn plan(lengths: &[usize], most: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(lengths[index]));
    let mut runs: Vec<Vec<usize>> = Vec::new();
    for index in order {
        match runs.last_mut() {
            Some(run) if fits(run, lengths, most) => run.push(index),
            _ => runs.push(vec![index]),
        }
    }
    runs
}

/// Whether a run takes one more text that is not longer than its first.
fn fits(run: &[usize], lengths: &[usize], most: usize) -> bool {
    let width = run.first().map_or(0, |&first| lengths[first]);
    run.len() < most && (run.len() + 1) * width <= MAX_RUN_TOKENS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_is_in_one_run_within_the_bounds(lengths in prop::collection::vec(1_usize..=256, 0..300), most in 1_usize..40) {
            let runs = plan(&lengths, most);
            let mut seen: Vec<usize> = runs.concat();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            for run in runs {
                let widest = run.iter().map(|&index| lengths[index]).max().unwrap();
                prop_assert!(run.len() <= most && run.len() * widest <= MAX_RUN_TOKENS);
            }
        }
    }
}
