//! Requests at a fixed rate, whatever the answers do.
//!
//! Latency counts from the moment that a request was due, not from the moment it was sent: a server
//! that stalls is charged for every request that it kept waiting, as its users would be (no
//! "coordinated omission").

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::task::JoinSet;

/// Longest latency that is told apart, in microseconds; longer ones count as this.
const LONGEST: u64 = 120_000_000;

/// Decimal digits that a recorded latency keeps.
const DIGITS: u8 = 3;

/// How often and for how long to send.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Requests per second.
    pub rate: f64,
    /// Length of the run.
    pub time: Duration,
}

impl Schedule {
    /// Number of requests in the run.
    #[must_use]
    pub fn requests(&self) -> usize {
        (self.rate * self.time.as_secs_f64()).round() as usize
    }

    fn due(&self, request: usize) -> Duration {
        Duration::from_secs_f64(request as f64 / self.rate)
    }
}

/// Latencies in microseconds.
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

impl Latencies {
    /// An empty record.
    ///
    /// # Errors
    /// Never with these bounds; the histogram checks them at run time.
    pub fn new() -> Result<Self> {
        let histogram = Histogram::new_with_bounds(1, LONGEST, DIGITS);
        Ok(Self(histogram.context("make a histogram")?))
    }

    /// Records one latency.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST);
        self.0.saturating_record(micros.clamp(1, LONGEST));
    }

    /// What the record says, in milliseconds.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let at = |quantile: f64| self.0.value_at_quantile(quantile) as f64 / 1000.0;
        Summary {
            count: self.0.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: self.0.max() as f64 / 1000.0,
            mean: self.0.mean() / 1000.0,
        }
    }
}

/// Quantiles of a record, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// Number of latencies.
    pub count: u64,
    /// Half are at most this.
    pub p50: f64,
    /// 90 % are at most this.
    pub p90: f64,
    /// 99 % are at most this.
    pub p99: f64,
    /// 99.9 % are at most this.
    #[serde(rename = "p99.9")]
    pub p999: f64,
    /// The longest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// From due to answered, failures included.
    pub latency: Latencies,
    /// From sent to answered.
    pub service: Latencies,
    /// How late requests were sent, which is the driver's own error.
    pub lateness: Latencies,
    /// Messages of the requests that failed.
    pub errors: Vec<String>,
    /// Requests answered per second.
    pub achieved: f64,
}

/// Sends requests by schedule; `request` gets the number of the request, from 0.
///
/// # Errors
/// When a request panics.
pub async fn run<F, R>(schedule: Schedule, request: F) -> Result<Outcome>
where
    F: Fn(usize) -> R,
    R: Future<Output = Result<()>> + Send + 'static,
{
    let start = Instant::now();
    let mut running = JoinSet::new();
    for number in 0..schedule.requests() {
        let due = start + schedule.due(number);
        tokio::time::sleep_until(due.into()).await;
        let answer = request(number);
        running.spawn(async move {
            let sent = Instant::now();
            let result = answer.await;
            (due, sent, Instant::now(), result)
        });
    }
    let mut outcome = Outcome {
        latency: Latencies::new()?,
        service: Latencies::new()?,
        lateness: Latencies::new()?,
        errors: Vec::new(),
        achieved: 0.0,
    };
    while let Some(done) = running.join_next().await {
        let (due, sent, end, result) = done.context("wait for a request")?;
        outcome.latency.record(end - due);
        outcome.service.record(end - sent);
        outcome.lateness.record(sent.saturating_duration_since(due));
        outcome.errors.extend(result.err().map(|error| format!("{error:#}")));
    }
    outcome.achieved = schedule.requests() as f64 / start.elapsed().as_secs_f64();
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::sync::Mutex;

    #[test]
    fn quantiles_are_in_milliseconds() {
        let mut latencies = Latencies::new().unwrap();
        for millis in 1..=1000 {
            latencies.record(Duration::from_millis(millis));
        }
        let summary = latencies.summary();
        assert!((summary.p50 - 500.0).abs() < 1.0 && (summary.p99 - 990.0).abs() < 2.0, "{summary:?}");
        assert_eq!(summary.count, 1000);
    }

    #[test]
    fn a_latency_beyond_the_bounds_still_counts() {
        let mut latencies = Latencies::new().unwrap();
        latencies.record(Duration::from_secs(1000));
        latencies.record(Duration::ZERO);
        assert_eq!(latencies.summary().count, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_is_charged_to_every_request_that_waited() {
        // One request at a time, the first takes 30 ms of real time: those due meanwhile must wait.
        let gate = Arc::new(Mutex::new(()));
        let schedule = Schedule { rate: 1000.0, time: Duration::from_millis(20) };
        let outcome = run(schedule, |number| {
            let gate = Arc::clone(&gate);
            async move {
                let _turn = gate.lock().await;
                if number == 0 {
                    let until = Instant::now() + Duration::from_millis(30);
                    while Instant::now() < until {
                        tokio::task::yield_now().await;
                    }
                }
                Ok(())
            }
        });
        let summary = outcome.await.unwrap().latency.summary();
        assert_eq!(summary.count, 20);
        assert!(summary.p50 >= 10.0, "{summary:?}");
    }

    #[tokio::test]
    async fn failures_are_counted_and_kept() {
        let schedule = Schedule { rate: 1000.0, time: Duration::from_millis(10) };
        let outcome = run(schedule, |number| async move {
            anyhow::ensure!(number != 3, "number three");
            Ok(())
        });
        assert_eq!(outcome.await.unwrap().errors, ["number three"]);
    }
}
