//! How much of this process is in memory.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::protocol::Memory;

/// Freed memory goes back to the system within this time: the allocator keeps it for ten seconds.
const SETTLE: Duration = Duration::from_secs(12);

/// Bytes in memory at some time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Resident(Memory);

impl Resident {
    /// As it is now.
    pub(super) fn now() -> Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status").context("read the process's status")?;
        Self::of(&status)
    }

    fn of(status: &str) -> Result<Self> {
        let field = |name: &str| -> Result<i64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let kib = line.and_then(|it| it.split_whitespace().next()).and_then(|it| it.parse::<i64>().ok());
            Ok(kib.with_context(|| format!("find {name} in the process's status"))? * 1024)
        };
        Ok(Self(Memory { own: field("RssAnon")? + field("RssShmem")?, mapped: field("RssFile")? }))
    }

    /// How much more it is, once what was freed has gone back.
    pub(super) fn grown(self) -> Result<Memory> {
        let started = Instant::now();
        while let Some(left) = SETTLE.checked_sub(started.elapsed()) {
            std::thread::park_timeout(left);
        }
        let after = Self::now()?.0;
        Ok(Memory { own: after.own - self.0.own, mapped: after.mapped - self.0.mapped })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_in_kibibytes() {
        let status = "Name:\tann\nRssAnon:\t     10 kB\nRssFile:\t 3 kB\nRssShmem:\t 2 kB\n";
        assert_eq!(Resident::of(status).unwrap(), Resident(Memory { own: 12 * 1024, mapped: 3 * 1024 }));
        assert!(Resident::of("Name:\tann\n").is_err());
    }
}
