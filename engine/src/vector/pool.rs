//! The threads that link vectors: as many as rayon has, and they give way, so that a search that is due does not wait for them.
#![cfg_attr(target_os = "linux", allow(unsafe_code, reason = "no library has this system call"))]

use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Nothing where the system gives no more threads: rayon's own do the work then.
static POOL: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let builder = ThreadPoolBuilder::new().num_threads(rayon::current_num_threads());
    builder.thread_name(|number| format!("vectors-{number}")).start_handler(|_| give_way()).build().ok()
});

/// Lets other threads go first: a tenth of their weight, and a long slice. Since Linux 6.12 a thread that wakes and asks for a shorter slice, as all
/// do by default, takes the processor at once (`sched(7)`, and `PREEMPT_SHORT` in the kernel's `kernel/sched/features.h`); before, it may wait for the
/// end of the slice in spite of the weights.
#[cfg(target_os = "linux")]
fn give_way() {
    use super::limits::{NICENESS, SLICE};

    // Of this thread, on Linux. Going below what it is would be refused.
    let niceness = rustix::process::getpriority_process(None).map_or(NICENESS, |now| now.max(NICENESS));
    if set_slice(niceness, SLICE).is_err() {
        // A refusal of this too leaves it as fast as the others.
        let _ = rustix::process::setpriority_process(None, niceness);
    }
}

/// `sched_setattr(2)` for the calling thread.
#[cfg(target_os = "linux")]
fn set_slice(niceness: i32, slice: std::time::Duration) -> std::io::Result<()> {
    const THIS_THREAD: libc::pid_t = 0;
    const NO_FLAGS: libc::c_uint = 0;
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: libc::SCHED_OTHER as u32,
        sched_flags: 0,
        sched_nice: niceness,
        sched_priority: 0,
        sched_runtime: slice.as_nanos() as u64,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the call reads as many bytes as `size` says, from a value that outlives it.
    match unsafe { libc::syscall(libc::SYS_sched_setattr, THIS_THREAD, &raw const attributes, NO_FLAGS) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Elsewhere priorities are of the whole process.
#[cfg(not(target_os = "linux"))]
fn give_way() {}

/// Does `work` on these threads, or where it is when that is a thread of rayon's already. `work` must not wait for a lock that one of these threads may hold.
pub(super) fn in_background<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match &*POOL {
        Some(pool) if rayon::current_thread_index().is_none() => pool.install(work),
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_goes_to_these_threads_unless_it_is_with_rayon_already() {
        let name = || std::thread::current().name().unwrap_or_default().to_owned();
        assert!(in_background(name).starts_with("vectors-"));
        let one = ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "other".to_owned()).build().unwrap();
        assert_eq!(one.install(|| in_background(name)), "other");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn these_threads_give_way_and_others_do_not() {
        use crate::vector::limits::{NICENESS, SLICE};

        let of_thread = || {
            let read = |file: &str| std::fs::read_to_string(format!("/proc/thread-self/{file}"));
            let niceness = rustix::process::getpriority_process(None).unwrap();
            (niceness, read("sched").ok())
        };
        let (before, _) = of_thread();
        let (niceness, details) = in_background(of_thread);
        assert_eq!(niceness, NICENESS.max(before));
        assert_eq!(of_thread().0, before);
        // Only where the kernel tells.
        let slice = details.and_then(|it| it.lines().find(|line| line.starts_with("se.slice")).map(str::to_owned));
        assert!(slice.is_none_or(|line| line.ends_with(&format!(" {}", SLICE.as_nanos()))));
    }
}
