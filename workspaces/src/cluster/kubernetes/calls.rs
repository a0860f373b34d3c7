//! Single requests to the API: how many go out, how long they are waited for, and which are repeated.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::KubeOptions;
use super::failure::Failure;
use crate::limits;

/// Until when the API wants to be left alone.
#[derive(Debug, Clone, Default)]
pub(super) struct Pause(Arc<Mutex<Option<Instant>>>);

impl Pause {
    /// It wants to be for so many seconds from now.
    pub(super) fn ask(&self, seconds: u64) {
        let until = Instant::now() + Duration::from_secs(seconds).min(limits::RETRY_AFTER_MOST);
        let mut known = self.0.lock();
        *known = (*known).max(Some(until));
    }

    /// How long that is still.
    fn left(&self) -> Duration {
        self.0.lock().map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }
}

/// See the module.
pub(super) struct Calls {
    limiter: DefaultDirectRateLimiter,
    pause: Pause,
    wait: Duration,
    first_pause: Duration,
}

impl Calls {
    pub(super) fn new(options: &KubeOptions, pause: Pause) -> Self {
        let rate = NonZeroU32::new(options.requests_per_second).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(limits::REQUESTS_BURST).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::direct(Quota::per_second(rate).allow_burst(burst));
        Self { limiter, pause, wait: options.request_wait, first_pause: options.request_pause }
    }

    /// Makes a request, and again while the API throttles or does not answer. Every request of this crate can be made twice.
    pub(super) async fn run<T, F>(&self, call: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = kube::Result<T>>,
    {
        let mut pause = self.first_pause;
        for attempt in 1.. {
            self.await_turn().await?;
            let failure = match tokio::time::timeout(self.wait, call()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => Failure::of(error),
                Err(_) => Failure::Late,
            };
            failure.count();
            if !failure.is_passing() || attempt >= limits::REQUEST_ATTEMPTS {
                return Err(failure.paused(self.pause.left()));
            }
            tracing::debug!(%failure, "repeat a request to the Kubernetes API");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(Failure::Late)
    }

    /// Waits for the rate, and for the end of a pause that the API asked for; a long one is the caller's affair.
    async fn await_turn(&self) -> Result<(), Failure> {
        self.limiter.until_ready().await;
        let left = self.pause.left();
        if left > self.wait {
            return Err(Failure::Throttled(left));
        }
        tokio::time::sleep(left).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_longest_pause_counts_up_to_a_bound() {
        let pause = Pause::default();
        assert_eq!(pause.left(), Duration::ZERO);
        pause.ask(3);
        pause.ask(1);
        assert_eq!(pause.left(), Duration::from_secs(3));
        pause.ask(u64::MAX);
        assert_eq!(pause.left(), limits::RETRY_AFTER_MOST);
        tokio::time::advance(limits::RETRY_AFTER_MOST).await;
        assert_eq!(pause.left(), Duration::ZERO);
    }
}
