//! Retries: which failures are tried again, for how long, and with which pauses.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::{ClientError, Verdict};
use super::limits;

/// How long to keep trying.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// How long a server that is away or busy is waited for; `None` waits for ever.
    pub patience: Option<Duration>,
    /// Ends all waiting when it is cancelled; a request under way is still finished.
    pub stop: CancellationToken,
}

/// A pause before the next try, to tell the user about.
#[derive(Debug)]
pub struct Pause<'a> {
    /// What went wrong.
    pub error: &'a ClientError,
    /// When the next try begins.
    pub pause: Duration,
}

/// Tries of one request that failed other than by an unavailable server.
#[derive(Default)]
struct Tries {
    broken: usize,
    slow: usize,
}

impl RetryPolicy {
    /// Runs `request` until it succeeds, fails for good, or patience ends; each pause is told to `notify`.
    ///
    /// Failures that a smaller request may cure are given back at once when `divisible`.
    ///
    /// # Errors
    ///
    /// The error of the last try.
    pub async fn run<T, F, Fut>(
        &self,
        divisible: bool,
        mut notify: impl FnMut(Pause<'_>),
        request: F,
    ) -> Result<T, ClientError>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, ClientError>>,
    {
        let deadline = self.patience.map(|patience| Instant::now() + patience);
        let mut tries = Tries::default();
        let stop = self.stop.clone();
        request
            .retry(backoff())
            .sleep(move |pause| sleep(pause, stop.clone()))
            .when(|error| !self.stop.is_cancelled() && tries.allow(error.verdict(), divisible))
            .adjust(|error: &ClientError, pause| {
                let pause = pause_for(error, pause?);
                let late = deadline.is_some_and(|deadline| Instant::now() + pause > deadline);
                (!late).then_some(pause)
            })
            .notify(|error, pause| notify(Pause { error, pause }))
            .await
    }

    /// Waits before round `round` (from 1) of something that the caller repeats on its own.
    pub async fn pause(&self, round: usize) {
        let pause = backoff().build().nth(round);
        sleep(pause.unwrap_or(limits::BACKOFF_MAX), self.stop.clone()).await;
    }
}

async fn sleep(pause: Duration, stop: CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        () = stop.cancelled() => {}
    }
}

impl Tries {
    fn allow(&mut self, verdict: Verdict, divisible: bool) -> bool {
        match verdict {
            Verdict::Unavailable => true,
            Verdict::Broken => {
                self.broken += 1;
                self.broken < limits::BROKEN_TRIES
            }
            Verdict::Slow => {
                self.slow += 1;
                !divisible && self.slow < limits::SLOW_TRIES
            }
            Verdict::TooLarge | Verdict::Refused | Verdict::Hopeless => false,
        }
    }
}

fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(limits::BACKOFF_MIN)
        .with_max_delay(limits::BACKOFF_MAX)
        .with_jitter()
        .without_max_times()
}

/// The server's wish, within our bound, where it is longer than our own pause.
fn pause_for(error: &ClientError, own: Duration) -> Duration {
    match error.retry_after() {
        Some(wish) => wish.min(limits::RETRY_AFTER_MAX).max(own),
        None => own,
    }
}
