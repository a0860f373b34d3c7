//! The threads that link vectors: as many as rayon has, of low priority, so that a search that is due does not wait for them.

use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::limits::NICENESS;

/// Nothing where the system gives no more threads: rayon's own do the work then.
static POOL: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let builder = ThreadPoolBuilder::new().num_threads(rayon::current_num_threads());
    builder.thread_name(|number| format!("vectors-{number}")).start_handler(|_| give_way()).build().ok()
});

/// Lets other threads go first.
fn give_way() {
    // On Linux this is of the calling thread alone; elsewhere it would be of the whole process. A refusal leaves it as fast as the others.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICENESS);
    #[cfg(not(target_os = "linux"))]
    let _ = NICENESS;
}

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

    fn niceness() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    #[test]
    fn work_goes_to_threads_that_give_way_unless_it_is_with_rayon_already() {
        let before = niceness();
        let name = || std::thread::current().name().unwrap_or_default().to_owned();
        let (there, nice) = in_background(|| (name(), niceness()));
        assert!(there.starts_with("vectors-"), "{there}");
        let expected = if cfg!(target_os = "linux") { (before + NICENESS).min(19) } else { before };
        assert_eq!(nice, expected);
        assert_eq!(niceness(), before);
        let one = ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "other".to_owned()).build().unwrap();
        assert_eq!(one.install(|| in_background(name)), "other");
    }
}
