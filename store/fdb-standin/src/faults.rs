//! Faults on request: what goes wrong for one client, how often, and when.
//!
//! A plan is a text of `name=value` pairs with commas between them, in `FDB_STANDIN_FAULTS` (for every client), in a comment of the
//! cluster file (`# faults: …`, for its clients), or given to `fdb_standin_set_faults`. Names:
//!
//! | name | value |
//! |---|---|
//! | `seed` | number that all draws come from |
//! | `not_committed`, `unknown_committed`, `unknown_not_committed`, `commit_too_old` | probability for a commit |
//! | `too_old`, `process_behind`, `future_version` | probability for a read |
//! | `small_pages` | probability that a range read ends early |
//! | `watch_lost` | probability that a watch never fires |
//! | `latency_ms` | longest delay of an operation; each takes a random part of it |
//! | `partition_ms` | `from-to`, since the client began: nothing is answered meanwhile; without `to`, never again |

use std::time::Duration;

use crate::abi::ErrorCode;
use crate::errors;

/// A plan and where its draws stand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    random: u64,
    not_committed: f64,
    unknown_committed: f64,
    unknown_not_committed: f64,
    commit_too_old: f64,
    too_old: f64,
    process_behind: f64,
    future_version: f64,
    small_pages: f64,
    watch_lost: f64,
    latency: Duration,
    partitions: Vec<(Duration, Option<Duration>)>,
}

/// What happens to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommitFate {
    Normal,
    /// It does not take place and fails with this code.
    Refused(ErrorCode),
    /// It takes place, and its result is lost.
    CommittedUnknown,
    /// It does not take place, and nobody is told so.
    LostUnknown,
}

impl Faults {
    /// Reads a plan.
    pub(crate) fn parse(text: &str) -> Result<Self, ErrorCode> {
        let mut faults = Self::default();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(errors::INVALID_OPTION_VALUE)?;
            faults.set(name.trim(), value.trim())?;
        }
        Ok(faults)
    }

    /// The plan in the comments of a cluster file.
    pub(crate) fn in_comments(file: &str) -> Result<Option<Self>, ErrorCode> {
        let comments = file.lines().filter_map(|line| line.split_once('#'));
        let mut plans = comments.filter_map(|(_, comment)| comment.trim().strip_prefix("faults:"));
        plans.next().map(Self::parse).transpose()
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ErrorCode> {
        match name {
            "seed" => self.random = parse(value)?,
            "latency_ms" => self.latency = Duration::from_secs_f64(parse::<f64>(value)?.clamp(0.0, 60_000.0) / 1000.0),
            "partition_ms" => {
                let (from, to) = value.split_once('-').ok_or(errors::INVALID_OPTION_VALUE)?;
                let to = if to.is_empty() { None } else { Some(Duration::from_millis(parse(to)?)) };
                self.partitions.push((Duration::from_millis(parse(from)?), to));
            }
            _ => {
                let probability: f64 = parse(value)?;
                if !(0.0..=1.0).contains(&probability) {
                    return Err(errors::INVALID_OPTION_VALUE);
                }
                *self.probability(name)? = probability;
            }
        }
        Ok(())
    }

    fn probability(&mut self, name: &str) -> Result<&mut f64, ErrorCode> {
        Ok(match name {
            "not_committed" => &mut self.not_committed,
            "unknown_committed" => &mut self.unknown_committed,
            "unknown_not_committed" => &mut self.unknown_not_committed,
            "commit_too_old" => &mut self.commit_too_old,
            "too_old" => &mut self.too_old,
            "process_behind" => &mut self.process_behind,
            "future_version" => &mut self.future_version,
            "small_pages" => &mut self.small_pages,
            "watch_lost" => &mut self.watch_lost,
            _ => return Err(errors::INVALID_OPTION_VALUE),
        })
    }

    /// The next number of the sequence (SplitMix64).
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.fraction() < probability
    }

    /// How long an operation that begins `now` (since the client began) takes; `None` when it never ends.
    pub(crate) fn delay(&mut self, now: Duration) -> Option<Duration> {
        let mut delay = self.latency;
        if !delay.is_zero() {
            delay = delay.mul_f64(self.fraction());
        }
        match self.partition_end(now + delay) {
            Some(end) => Some(end? - now),
            None => Some(delay),
        }
    }

    /// The end of the partition that is there at `now`: the inner `None` when it has none.
    pub(crate) fn partition_end(&self, now: Duration) -> Option<Option<Duration>> {
        let mut found = self.partitions.iter().filter(|(from, to)| *from <= now && to.is_none_or(|to| now < to));
        found.next().map(|(_, to)| *to)
    }

    /// Whether a read fails.
    pub(crate) fn read_error(&mut self) -> Option<ErrorCode> {
        let faults = [
            (self.too_old, errors::TRANSACTION_TOO_OLD),
            (self.process_behind, errors::PROCESS_BEHIND),
            (self.future_version, errors::FUTURE_VERSION),
        ];
        faults.into_iter().find(|(probability, _)| self.happens(*probability)).map(|(_, code)| code)
    }

    /// What happens to a commit that is sent at `now`.
    pub(crate) fn commit_fate(&mut self, now: Duration) -> CommitFate {
        if self.partition_end(now).is_some() {
            return if self.happens(0.5) { CommitFate::CommittedUnknown } else { CommitFate::LostUnknown };
        }
        let fates = [
            (self.not_committed, CommitFate::Refused(errors::NOT_COMMITTED)),
            (self.commit_too_old, CommitFate::Refused(errors::TRANSACTION_TOO_OLD)),
            (self.unknown_committed, CommitFate::CommittedUnknown),
            (self.unknown_not_committed, CommitFate::LostUnknown),
        ];
        let found = fates.into_iter().find(|(probability, _)| self.happens(*probability));
        found.map_or(CommitFate::Normal, |(_, fate)| fate)
    }

    /// Rows after which a range read ends, when it does so early.
    pub(crate) fn page(&mut self) -> Option<usize> {
        self.happens(self.small_pages).then(|| 1 + (self.next() % 3) as usize)
    }

    /// Whether a watch is lost.
    pub(crate) fn loses_watch(&mut self) -> bool {
        self.happens(self.watch_lost)
    }
}

fn parse<T: std::str::FromStr>(value: &str) -> Result<T, ErrorCode> {
    value.parse().map_err(|_| errors::INVALID_OPTION_VALUE)
}
