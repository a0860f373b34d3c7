//! The network thread: the one thread on which operations finish and callbacks are called.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::abi::ErrorCode;
use crate::errors;

/// The newest API version of this library.
pub(crate) const API_VERSION: i32 = 730;

static NETWORK: Network = Network { state: Mutex::new(State::new()), changed: Condvar::new() };

struct Network {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    api_version: Option<i32>,
    phase: Phase,
    tasks: BinaryHeap<Reverse<Task>>,
    next: u64,
    thread: Option<ThreadId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    New,
    SetUp,
    Running,
    Stopping,
    Stopped,
}

/// Something to do at a time; among those of one time, in the order in which they were posted.
struct Task {
    due: Instant,
    number: u64,
    run: Box<dyn FnOnce() + Send>,
}

impl PartialEq for Task {
    fn eq(&self, other: &Self) -> bool {
        (self.due, self.number) == (other.due, other.number)
    }
}

impl Eq for Task {}

impl PartialOrd for Task {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Task {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

impl State {
    const fn new() -> Self {
        Self { api_version: None, phase: Phase::New, tasks: BinaryHeap::new(), next: 0, thread: None }
    }
}

fn lock() -> MutexGuard<'static, State> {
    NETWORK.state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `fdb_select_api_version_impl`.
pub(crate) fn select_api_version(runtime: i32, header: i32) -> ErrorCode {
    let mut state = lock();
    if state.api_version.is_some() {
        return errors::API_VERSION_ALREADY_SET;
    }
    if runtime > header || runtime < 13 {
        return errors::API_VERSION_INVALID;
    }
    if header > API_VERSION {
        return errors::API_VERSION_NOT_SUPPORTED;
    }
    state.api_version = Some(runtime);
    errors::SUCCESS
}

/// Fails before an API version has been selected.
pub(crate) fn check_version() -> Result<(), ErrorCode> {
    lock().api_version.map(drop).ok_or(errors::API_VERSION_UNSET)
}

/// Network options may be set until the network is set up.
pub(crate) fn check_option() -> ErrorCode {
    match lock().phase {
        Phase::New => errors::SUCCESS,
        _ => errors::NETWORK_ALREADY_SETUP,
    }
}

/// `fdb_setup_network`.
pub(crate) fn set_up() -> ErrorCode {
    let mut state = lock();
    if state.api_version.is_none() {
        return errors::API_VERSION_UNSET;
    }
    match state.phase {
        Phase::New => {
            state.phase = Phase::SetUp;
            errors::SUCCESS
        }
        _ => errors::NETWORK_ALREADY_SETUP,
    }
}

/// `fdb_run_network`: works until [`stop`].
pub(crate) fn run() -> ErrorCode {
    {
        let mut state = lock();
        match state.phase {
            Phase::New => return errors::NETWORK_NOT_SETUP,
            Phase::SetUp => state.phase = Phase::Running,
            Phase::Running => return errors::NETWORK_ALREADY_SETUP,
            Phase::Stopping | Phase::Stopped => return errors::NETWORK_CANNOT_BE_RESTARTED,
        }
        state.thread = Some(thread::current().id());
    }
    while let Some(task) = next_task() {
        (task.run)();
    }
    let mut state = lock();
    state.phase = Phase::Stopped;
    let rest = std::mem::take(&mut state.tasks);
    drop(state);
    // What is dropped here may hold the last handle on something that looks at the network.
    drop(rest);
    errors::SUCCESS
}

/// Waits for the next task that is due; `None` when the network is to stop.
fn next_task() -> Option<Task> {
    let mut state = lock();
    loop {
        if state.phase == Phase::Stopping {
            return None;
        }
        let now = Instant::now();
        let wait = state.tasks.peek().map(|Reverse(task)| task.due.saturating_duration_since(now));
        match wait {
            Some(Duration::ZERO) => return state.tasks.pop().map(|Reverse(task)| task),
            Some(wait) => {
                let waited = NETWORK.changed.wait_timeout(state, wait);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            None => state = NETWORK.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// `fdb_stop_network`.
pub(crate) fn stop() -> ErrorCode {
    let mut state = lock();
    match state.phase {
        Phase::New => return errors::NETWORK_NOT_SETUP,
        Phase::SetUp => state.phase = Phase::Stopped,
        Phase::Running => state.phase = Phase::Stopping,
        Phase::Stopping | Phase::Stopped => {}
    }
    drop(state);
    NETWORK.changed.notify_all();
    errors::SUCCESS
}

/// Runs a task on the network thread after `delay`; never, when the network has stopped.
pub(crate) fn post(delay: Duration, run: impl FnOnce() + Send + 'static) {
    let mut state = lock();
    if matches!(state.phase, Phase::Stopping | Phase::Stopped) {
        return;
    }
    let number = state.next;
    state.next += 1;
    state.tasks.push(Reverse(Task { due: Instant::now() + delay, number, run: Box::new(run) }));
    drop(state);
    NETWORK.changed.notify_all();
}

/// Whether the caller is the network thread.
pub(crate) fn is_current_thread() -> bool {
    lock().thread == Some(thread::current().id())
}
