//! The one source of time, randomness and ids, so that tests decide all three.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use parking_lot::Mutex;
use rand::Rng as _;
use uuid::{Builder, ContextV7, Uuid};

/// Time, random numbers and version-7 UUIDs. Cheap to clone; clones share their state.
///
/// A manual clock stands still until it is told to move, and its ids and random numbers are the same in each run.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    System { started: Instant, ids: Mutex<ContextV7> },
    Manual(Mutex<Manual>),
}

#[derive(Debug)]
struct Manual {
    now: Timestamp,
    elapsed: Duration,
    counter: u64,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Source::System { started: Instant::now(), ids: Mutex::new(ContextV7::new()) }))
    }

    /// A clock for tests that stands at `start`.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(Source::Manual(Mutex::new(Manual { now: start, elapsed: Duration::ZERO, counter: 0 }))))
    }

    /// The time of day.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            #[allow(clippy::disallowed_methods, reason = "this is the replacement that the ban names")]
            Source::System { .. } => Timestamp::now(),
            Source::Manual(manual) => manual.lock().now,
        }
    }

    /// Time since this clock was made. Never goes back, whatever happens to the time of day.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &*self.0 {
            Source::System { started, .. } => started.elapsed(),
            Source::Manual(manual) => manual.lock().elapsed,
        }
    }

    /// A new UUID (version 7): later calls give greater ids.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        match &*self.0 {
            Source::System { ids, .. } => {
                let now = self.now();
                let seconds = u64::try_from(now.as_second()).unwrap_or(0);
                let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
                Uuid::new_v7(uuid::Timestamp::from_unix(&*ids.lock(), seconds, nanos))
            }
            Source::Manual(manual) => {
                let mut manual = manual.lock();
                manual.counter += 1;
                let millis = u64::try_from(manual.now.as_millisecond()).unwrap_or(0);
                let mut random = [0; 10];
                random[2..].copy_from_slice(&manual.counter.to_be_bytes());
                Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
            }
        }
    }

    /// A random number. On a manual clock, the next of a fixed sequence.
    #[must_use]
    pub fn random(&self) -> u64 {
        match &*self.0 {
            Source::System { .. } => rand::rng().next_u64(),
            Source::Manual(manual) => {
                let mut manual = manual.lock();
                manual.counter += 1;
                splitmix(manual.counter)
            }
        }
    }

    /// Moves a manual clock forward. Has no effect on the machine's clock.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &*self.0 {
            let mut manual = manual.lock();
            manual.elapsed = manual.elapsed.saturating_add(by);
            if let Ok(later) = manual.now.checked_add(by) {
                manual.now = later;
            }
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

/// Vigna's SplitMix64 finaliser: turns a counter into well-spread bits.
fn splitmix(counter: u64) -> u64 {
    let mut z = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
