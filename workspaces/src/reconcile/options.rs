//! How reconciliation goes on.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::limits;

/// Intervals and bounds of a [`Reconciler`](crate::Reconciler).
#[derive(Debug, Clone)]
pub struct ReconcilerOptions {
    /// Time to live of the lease; the same for all processes.
    pub lease: Duration,
    /// All workspaces are looked at again after so long.
    pub resync: Duration,
    /// One that is on its way is looked at again after so long.
    pub recheck: Duration,
    /// Workspaces that are worked on at once.
    pub concurrency: usize,
    /// Failures in a row after which a workspace has failed.
    pub attempts: u32,
    /// First and longest pause between attempts before that.
    pub backoff: (Duration, Duration),
    /// Pause between attempts after that.
    pub failed_retry: Duration,
    /// What is not done after so long has failed.
    pub settle_within: Duration,
    /// A workspace that nobody uses for so long is suspended; `None` for never. That is looked at with each `resync`.
    pub idle_after: Option<Duration>,
    /// How long the record of a deleted workspace stays.
    pub keep_terminated: Duration,
}

impl Default for ReconcilerOptions {
    fn default() -> Self {
        Self {
            lease: limits::LEASE,
            resync: limits::RESYNC,
            recheck: limits::RECHECK,
            concurrency: limits::CONCURRENCY,
            attempts: limits::ATTEMPTS,
            backoff: (limits::BACKOFF_MIN, limits::BACKOFF_MAX),
            failed_retry: limits::FAILED_RETRY,
            settle_within: limits::SETTLE_WITHIN,
            idle_after: Some(limits::IDLE_AFTER),
            keep_terminated: limits::TERMINATED_KEPT,
        }
    }
}

impl ReconcilerOptions {
    /// Refuses what cannot work.
    pub(super) fn check(&self) -> Result<()> {
        let least = [
            ("/concurrency", self.concurrency > 0),
            ("/attempts", self.attempts > 0),
            ("/lease", !self.lease.is_zero()),
            ("/resync", !self.resync.is_zero()),
            ("/recheck", !self.recheck.is_zero()),
            ("/backoff", self.backoff.0 <= self.backoff.1),
        ];
        match least.into_iter().find(|(_, is_good)| !is_good) {
            Some((pointer, _)) => {
                Err(Error::invalid(pointer, "must be more than nothing, and the first not more than the last"))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn what_cannot_work_is_refused() {
        ReconcilerOptions::default().check().unwrap();
        let nobody = ReconcilerOptions { concurrency: 0, ..Default::default() };
        assert_eq!(*nobody.check().unwrap_err().kind(), ErrorKind::Invalid { pointer: "/concurrency" });
        let backwards = ReconcilerOptions { backoff: (limits::BACKOFF_MAX, limits::BACKOFF_MIN), ..Default::default() };
        assert_eq!(*backwards.check().unwrap_err().kind(), ErrorKind::Invalid { pointer: "/backoff" });
    }
}
