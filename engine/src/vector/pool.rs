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
