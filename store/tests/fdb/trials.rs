//! Runs behaviours side by side and says which failed, with what brings the failure back.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::future::BoxFuture;

/// Behaviours at a time.
const AT_ONCE: usize = 8;
/// Longest time of one: what hangs has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// One behaviour on one store.
pub(crate) struct Trial {
    /// Where, what, and the seed.
    pub(crate) name: String,
    pub(crate) run: Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>,
}

impl Trial {
    pub(crate) fn new<Fut>(name: String, run: impl FnOnce() -> Fut + Send + 'static) -> Self
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self { name, run: Box::new(move || Box::pin(run())) }
    }
}

/// What came of a run.
pub(crate) struct Outcome {
    passed: usize,
    pub(crate) failed: Vec<String>,
    took: Duration,
}

/// Runs those whose name has one of the filters in it, or all without filters.
pub(crate) async fn run(trials: Vec<Trial>, filters: &[String]) -> Outcome {
    let began = Instant::now();
    let chosen = |trial: &Trial| filters.is_empty() || filters.iter().any(|part| trial.name.contains(part.as_str()));
    let runs = trials.into_iter().filter(chosen).map(|Trial { name, run }| async move {
        let task = tokio::spawn(run());
        let stop = task.abort_handle();
        let ended = tokio::time::timeout(PATIENCE, task).await;
        stop.abort();
        let result = match ended {
            Ok(Ok(())) => "ok",
            Ok(Err(_)) => "FAILED",
            Err(_) => "FAILED: it hangs",
        };
        println!("test {name} ... {result}");
        (name, result == "ok")
    });
    let ended: Vec<_> = futures::stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
    let (passed, failed): (Vec<_>, Vec<_>) = ended.into_iter().partition(|(_, passed)| *passed);
    let failed = failed.into_iter().map(|(name, _)| name).collect();
    Outcome { passed: passed.len(), failed, took: began.elapsed() }
}

impl Outcome {
    /// With what came of a further run.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.took += other.took;
    }

    pub(crate) fn report(&self, place: &str) -> ExitCode {
        let took = self.took.as_secs();
        if self.failed.is_empty() && self.passed > 0 {
            println!("fdb: ok, {} behaviours on {place} in {took} s", self.passed);
            return ExitCode::SUCCESS;
        }
        println!("fdb: {} passed, {} failed on {place} in {took} s:", self.passed, self.failed.len());
        self.failed.iter().for_each(|name| println!("  {name}"));
        ExitCode::FAILURE
    }
}

/// A store's name that no other of this process has.
pub(crate) fn fresh_name() -> Arc<str> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed)).into()
}
