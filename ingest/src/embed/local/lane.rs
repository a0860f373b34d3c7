//! A lane: a bounded queue of runs and the threads that compute them, away from the async threads.

use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::super::error::EmbedError;
use super::super::limits::BACKGROUND_NICENESS;
use super::session::{Input, Output, Runner};

struct Job {
    texts: Vec<Input>,
    reply: oneshot::Sender<Result<Vec<Output>, EmbedError>>,
}

/// How a lane's threads compete for the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Priority {
    /// As the rest of the process.
    Normal,
    /// After the rest of the process: for bulk work beside requests that somebody waits for.
    Background,
}

/// Handle to a lane; its threads end when the last handle is dropped.
pub(super) struct Lane {
    jobs: mpsc::Sender<Job>,
}

impl Lane {
    /// Starts one thread for each runner.
    pub(super) fn start(
        name: &str,
        priority: Priority,
        runners: Vec<Runner>,
        queue: usize,
    ) -> Result<Self, EmbedError> {
        let (jobs, waiting) = mpsc::channel(queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for (index, mut runner) in runners.into_iter().enumerate() {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new()
                .name(format!("{name}-{index}"))
                .spawn(move || {
                    priority.apply();
                    work(&waiting, &mut runner);
                })
                .map_err(|error| EmbedError::Unavailable(format!("start an embedding thread: {error}")))?;
        }
        Ok(Self { jobs })
    }

    /// Embeds the texts of one run, after those that were sent before. Dropping the future takes
    /// the run out of the queue.
    pub(super) async fn run(&self, texts: Vec<Input>) -> Result<Vec<Output>, EmbedError> {
        let stopped = || EmbedError::Unavailable("the embedding threads have stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job { texts, reply }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

impl Priority {
    /// Linux alone keeps a niceness for each thread; elsewhere lanes compete as equals.
    fn apply(self) {
        #[cfg(target_os = "linux")]
        if self == Self::Background
            && let Err(error) = rustix::process::setpriority_process(None, BACKGROUND_NICENESS)
        {
            tracing::warn!(%error, "cannot lower the priority of a document embedding thread");
        }
    }
}

fn work(waiting: &Mutex<mpsc::Receiver<Job>>, runner: &mut Runner) {
    loop {
        // The lock is held while waiting, so that idle threads queue for the next job in turn.
        let Some(job) = waiting.lock().blocking_recv() else {
            return;
        };
        if job.reply.is_closed() {
            continue;
        }
        let result = runner.run(&job.texts);
        // The caller may have gone in the meantime; nobody misses the answer then.
        let _ = job.reply.send(result);
    }
}
