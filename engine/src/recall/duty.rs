//! The one task that checks samples: answers each exactly, compares, and rests as long as the budget demands.

use std::sync::Arc;
use std::time::{Duration, Instant};

use roaring::RoaringBitmap;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::RecallOptions;
use super::sampler::{Sample, Sampler};
use crate::limits;
use crate::vector::{Hit, VectorError, VectorQuery};

/// A sampler, and the duty that checks what it picks.
pub(crate) fn on_duty(options: RecallOptions, stop: CancellationToken) -> (Arc<Sampler>, Duty) {
    let (sampler, samples) = Sampler::new(options.sample_share);
    let sampler = Arc::new(sampler);
    (sampler.clone(), Duty { sampler, samples, cpu_share: options.cpu_share, stop })
}

/// Checks one sample after the other.
pub(crate) struct Duty {
    sampler: Arc<Sampler>,
    samples: mpsc::Receiver<Sample>,
    cpu_share: f64,
    stop: CancellationToken,
}

impl Duty {
    /// Checks until it is stopped.
    pub(crate) async fn run(mut self) {
        loop {
            self.sampler.open();
            let sample = tokio::select! {
                () = self.stop.cancelled() => return,
                sample = self.samples.recv() => sample,
            };
            let Some(sample) = sample else { return };
            let (started, stop) = (Instant::now(), self.stop.clone());
            if let Err(error) = tokio::task::spawn_blocking(move || check(&sample, &stop)).await {
                tracing::error!(%error, "checking a search's recall failed");
            }
            let worked = started.elapsed();
            metrics::histogram!("recall_check_seconds").record(worked);
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(rest(worked, self.cpu_share)) => {}
            }
        }
    }
}

/// The rest after work, so that work takes `share` of the time.
fn rest(worked: Duration, share: f64) -> Duration {
    let rest = worked.as_secs_f64() * (1.0 / share.clamp(0.0, 1.0) - 1.0);
    Duration::try_from_secs_f64(rest).unwrap_or(Duration::MAX)
}

/// Compares a sample with the exact answer, and moves the collection's effort by what that shows. Blocking.
pub(crate) fn check(sample: &Sample, stop: &CancellationToken) {
    let effort = sample.index.effort();
    let truth = match exact(sample, stop) {
        Ok(Some(truth)) if !truth.is_empty() => truth,
        Ok(_) => return,
        Err(error) => return tracing::error!(%error, "a search could not be answered exactly"),
    };
    if let Some(next) = effort.observe(recall(&truth, &sample.found), sample.effort) {
        let collection = sample.index.id.0;
        tracing::info!(%collection, from = sample.effort, to = next, "search effort follows the recall target");
    }
}

/// The nearest passages of what the sample's search could find, as many as it found; `None` when stopped. Goes through the slots in parts,
/// so that one thread does it, stopping need not wait, and memory that others free is not held back for long.
fn exact(sample: &Sample, stop: &CancellationToken) -> Result<Option<Vec<Hit>>, VectorError> {
    let allowed = sample.allowed.as_ref().unwrap_or(&sample.view.live);
    let (depth, part) = (sample.found.len(), (limits::RECALL_PART / sample.vector.len().max(1)).max(1));
    let mut best: Vec<Hit> = Vec::new();
    let mut slots = allowed.iter().peekable();
    while slots.peek().is_some() {
        if stop.is_cancelled() {
            return Ok(None);
        }
        let part: RoaringBitmap = slots.by_ref().take(part).collect();
        let how = VectorQuery { allowed: Some(&part), exact: true, ..VectorQuery::default() };
        best.extend(sample.index.vectors().search(&sample.vector, depth, &how)?);
        best.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
        best.truncate(depth);
    }
    Ok(Some(best))
}

/// The share of the true answer that was found. One that is as near as the last true one counts: which of equals is named says nothing.
fn recall(truth: &[Hit], found: &[Hit]) -> f64 {
    let last = truth.last().map_or(f32::INFINITY, |hit| hit.score);
    let right = found.iter().filter(|hit| hit.score >= last).count();
    right.min(truth.len()) as f64 / truth.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(scores: &[f32]) -> Vec<Hit> {
        (0..).zip(scores).map(|(slot, &score)| Hit { slot, score }).collect()
    }

    #[test]
    fn hits_as_near_as_the_last_true_one_count() {
        let truth = hits(&[0.9, 0.8, 0.7, 0.7]);
        assert_eq!(recall(&truth, &hits(&[0.9, 0.8, 0.7, 0.7])), 1.0);
        let others: Vec<Hit> =
            hits(&[0.7, 0.7, 0.9, 0.8]).into_iter().map(|hit| Hit { slot: hit.slot + 9, ..hit }).collect();
        assert_eq!(recall(&truth, &others), 1.0, "whichever of the equals");
        assert_eq!(recall(&truth, &hits(&[0.9, 0.7, 0.6, 0.5])), 0.5);
        assert_eq!(recall(&truth, &[]), 0.0);
    }

    #[test]
    fn rest_keeps_to_the_budget() {
        let worked = Duration::from_millis(20);
        assert_eq!((rest(worked, 1.0), rest(worked, 7.0)), (Duration::ZERO, Duration::ZERO));
        assert_eq!(rest(worked, 0.5), worked);
        assert!((rest(worked, 0.02).as_secs_f64() - 0.98).abs() < 1e-9);
        assert_eq!(rest(worked, 0.0), Duration::MAX);
    }
}
