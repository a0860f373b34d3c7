//! What a workspace is after something was seen of it, or something went wrong: a function of the record alone, and of the time.

use std::time::Duration;

use jiff::Timestamp;

use super::ReconcilerOptions;
use super::queue::Next;
use crate::cluster::{ClusterError, ClusterErrorKind, ClusterResult, Observed, Phase};
use crate::limits;
use crate::workspace::{State, Wanted, Workspace};
use crate::workspaces::is_longer;

/// What a step has led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The record as it shall be written.
    pub(super) after: Workspace,
    pub(super) next: Next,
    /// A word for metrics.
    pub(super) result: &'static str,
}

/// Judges what was seen of a workspace on the way to what is wanted of it.
pub(super) fn judge(
    before: &Workspace,
    seen: &ClusterResult<Observed>,
    now: Timestamp,
    options: &ReconcilerOptions,
) -> Outcome {
    let judging = Judging { before, now, options };
    let mut outcome = match seen {
        Ok(seen) if is_fulfilled(before.wanted, seen.phase) => judging.done(),
        Ok(seen) if before.wanted == Wanted::Running && seen.phase == Phase::Failed => {
            judging.failed(seen.message.as_deref().unwrap_or("its pod has ended"))
        }
        // That an old pod goes is no news to whoever waits for a new one.
        Ok(seen) if before.wanted == Wanted::Running && seen.phase == Phase::Stopping => {
            judging.under_way(None, options.recheck)
        }
        Ok(seen) => judging.under_way(seen.message.as_deref(), options.recheck),
        Err(error) => judging.hindered(error),
    };
    // Whatever was seen: a pod that was to be replaced is not there any more, or is ready.
    outcome.after.anew &= seen.is_err();
    outcome
}

fn is_fulfilled(wanted: Wanted, phase: Phase) -> bool {
    match wanted {
        Wanted::Running => phase == Phase::Ready,
        Wanted::Suspended => matches!(phase, Phase::Absent | Phase::Gone),
        Wanted::Terminated => phase == Phase::Gone,
    }
}

struct Judging<'a> {
    before: &'a Workspace,
    now: Timestamp,
    options: &'a ReconcilerOptions,
}

impl Judging<'_> {
    fn done(&self) -> Outcome {
        let after = self.record(self.before.wanted.state(), None, 0);
        Outcome { after, next: Next::Rest, result: "done" }
    }

    /// It goes on. What takes too long has failed, and is looked at as before.
    fn under_way(&self, message: Option<&str>, again: Duration) -> Outcome {
        let before = self.before;
        let is_late = before.state == State::Pending && is_longer(self.now, before.since, self.options.settle_within);
        let state = if is_late || before.state == State::Failed { State::Failed } else { State::Pending };
        let message = match (state, message) {
            (State::Failed, None) => Some(before.message.as_deref().unwrap_or("it takes too long")),
            (_, message) => message,
        };
        let after = self.record(state, message, before.failures);
        Outcome { after, next: Next::After(again), result: "under_way" }
    }

    fn hindered(&self, error: &ClusterError) -> Outcome {
        let (before, message) = (self.before, error.to_string());
        match error.kind() {
            ClusterErrorKind::Refused => self.failed(&message),
            ClusterErrorKind::Waiting => {
                Outcome { result: "waiting", ..self.under_way(Some(&message), self.options.recheck) }
            }
            // A cluster that does not answer says nothing about what runs in it.
            ClusterErrorKind::Unavailable(pause) => {
                let again = pause.max(self.options.recheck);
                let is_settled = before.state == before.wanted.state();
                let outcome = self.under_way(Some(&message), again);
                let after = if is_settled { before.clone() } else { outcome.after };
                Outcome { after, next: outcome.next, result: "unavailable" }
            }
        }
    }

    fn failed(&self, message: &str) -> Outcome {
        let failures = self.before.failures.saturating_add(1);
        let has_failed = self.before.state == State::Failed || failures >= self.options.attempts;
        let (state, pause) = match has_failed {
            true => (State::Failed, self.options.failed_retry),
            false => (State::Pending, self.backoff(failures)),
        };
        let after = self.record(state, Some(message), failures);
        Outcome { after, next: Next::NotBefore(pause), result: "failed" }
    }

    fn backoff(&self, failures: u32) -> Duration {
        let (first, most) = self.options.backoff;
        first.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(most)
    }

    fn record(&self, state: State, message: Option<&str>, failures: u32) -> Workspace {
        let (before, message) = (self.before, message.map(clipped));
        let is_same = before.state == state && before.message == message;
        let since = if before.state == state { before.since } else { self.now };
        let updated_at = if is_same { before.updated_at } else { self.now };
        Workspace { state, message, failures, since, updated_at, ..before.clone() }
    }
}

fn clipped(message: &str) -> String {
    let message: String = message.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    message[..message.floor_char_boundary(limits::MESSAGE_BYTES)].to_owned()
}

#[cfg(test)]
mod tests {
    use coditect_auth::{UserId, WorkspaceId};
    use coditect_store::TenantId;
    use jiff::ToSpan as _;

    use super::*;

    fn workspace(wanted: Wanted, state: State) -> Workspace {
        let at = Timestamp::UNIX_EPOCH;
        Workspace {
            id: WorkspaceId::new("w").unwrap(),
            tenant: TenantId::new("acme").unwrap(),
            user: UserId::new("ada").unwrap(),
            name: "w".into(),
            state,
            wanted,
            pod_namespace: "user-ada".into(),
            pod_name: "workspace-w".into(),
            service: "workspace-ada".into(),
            message: None,
            failures: 0,
            anew: false,
            created_at: at,
            updated_at: at,
            since: at,
            last_active_at: at,
            revision: 1,
        }
    }

    fn after(before: &Workspace, seen: ClusterResult<Observed>, seconds: i64) -> Outcome {
        judge(before, &seen, Timestamp::UNIX_EPOCH + seconds.seconds(), &ReconcilerOptions::default())
    }

    #[test]
    fn every_wish_has_what_fulfils_it() {
        let phases = [Phase::Gone, Phase::Absent, Phase::Starting, Phase::Ready, Phase::Stopping, Phase::Failed];
        for (wanted, fulfilling) in [
            (Wanted::Running, &[Phase::Ready][..]),
            (Wanted::Suspended, &[Phase::Gone, Phase::Absent]),
            (Wanted::Terminated, &[Phase::Gone]),
        ] {
            for phase in phases {
                let outcome = after(&workspace(wanted, State::Pending), Ok(Observed::only(phase)), 1);
                let is_done = outcome.after.state == wanted.state();
                assert_eq!(is_done, fulfilling.contains(&phase), "{wanted:?} {phase:?}");
                assert_eq!(outcome.next == Next::Rest, is_done);
            }
        }
    }

    #[test]
    fn what_fails_again_and_again_has_failed_and_is_tried_slowly() {
        let (mut now, mut pauses) = (workspace(Wanted::Running, State::Pending), Vec::new());
        for _ in 0..6 {
            let outcome = after(&now, Err(ClusterError::refused("no")), 1);
            pauses.push(outcome.next);
            now = outcome.after;
        }
        let seconds = |it| Next::NotBefore(Duration::from_secs(it));
        assert_eq!(pauses, [seconds(2), seconds(4), seconds(8), seconds(16), seconds(600), seconds(600)]);
        assert_eq!((now.state, now.message.as_deref(), now.failures), (State::Failed, Some("no"), 6));
        let starting = after(&now, Ok(Observed::only(Phase::Starting)), 2).after;
        assert_eq!((starting.state, starting.message.as_deref()), (State::Failed, Some("no")));
        let ready = after(&now, Ok(Observed::only(Phase::Ready)), 3).after;
        assert_eq!((ready.state, ready.message, ready.failures), (State::Running, None, 0));
    }

    #[test]
    fn what_takes_too_long_has_failed_until_it_is_done() {
        let pending = workspace(Wanted::Running, State::Pending);
        let starting = |seconds| after(&pending, Ok(Observed::saying(Phase::Starting, "no node")), seconds);
        assert_eq!(starting(600).after.state, State::Pending);
        let late = starting(601);
        assert_eq!((late.after.state, late.after.message.as_deref()), (State::Failed, Some("no node")));
        assert_eq!(late.next, Next::After(limits::RECHECK));
        assert_eq!(after(&late.after, Ok(Observed::only(Phase::Ready)), 700).after.state, State::Running);
    }

    #[test]
    fn a_cluster_that_does_not_answer_changes_nothing_that_is_settled() {
        let running = workspace(Wanted::Running, State::Running);
        let outcome = after(&running, Err(ClusterError::unavailable()), 1);
        assert_eq!((outcome.after, outcome.next), (running, Next::After(limits::RECHECK)));
        let pending = workspace(Wanted::Suspended, State::Pending);
        let pause = Duration::from_secs(50);
        let throttled = ClusterError::new(ClusterErrorKind::Unavailable(pause), "too much");
        let outcome = after(&pending, Err(throttled), 1);
        assert_eq!((outcome.after.message.as_deref(), outcome.next), (Some("too much"), Next::After(pause)));
    }

    #[test]
    fn a_running_one_whose_pod_is_not_ready_is_on_its_way_again() {
        let running = workspace(Wanted::Running, State::Running);
        let outcome = after(&running, Ok(Observed::saying(Phase::Starting, "restarts\nnow")), 5);
        assert_eq!((outcome.after.state, outcome.after.message.as_deref()), (State::Pending, Some("restarts now")));
        assert_eq!(outcome.after.since, Timestamp::from_second(5).unwrap());
    }
}
