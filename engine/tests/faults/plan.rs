//! What an engine meets on its way to the cluster: plans of the stand-in (`store/fdb-standin/src/faults.rs`).

use std::time::Duration;

/// A plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    Calm,
    /// Delays, and range reads that end early.
    Slow,
    /// Everything now and then.
    Rough,
    /// Commits whose result is lost, every other one.
    Unknown,
    /// Nothing is answered for so many milliseconds; what was on its way then may have taken place.
    Away(u64),
    /// Nothing is answered ever again.
    CutOff,
}

impl Plan {
    /// The stand-in's text of it, for a client that is connected after this time at most.
    pub(crate) fn text(self, seed: u64, connected: Duration) -> String {
        let connected = u64::try_from(connected.as_millis()).unwrap();
        let faults = match self {
            Self::Calm => String::new(),
            Self::Slow => "latency_ms=2,small_pages=0.4".to_owned(),
            Self::Rough => "latency_ms=1,not_committed=0.05,commit_too_old=0.03,unknown_committed=0.1,\
                            unknown_not_committed=0.08,too_old=0.02,process_behind=0.02,future_version=0.02,\
                            small_pages=0.3,watch_lost=0.2"
                .to_owned(),
            Self::Unknown => "latency_ms=1,unknown_committed=0.4,unknown_not_committed=0.1".to_owned(),
            Self::Away(time) => format!("latency_ms=1,partition_ms={connected}-{}", connected + time),
            Self::CutOff => format!("partition_ms={connected}-"),
        };
        format!("seed={seed},{faults}")
    }
}
