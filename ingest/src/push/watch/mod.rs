//! Following a tree: a push, then a round for every burst of changes, until the user ends it.

mod events;

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use self::events::Events;
use super::hash::ContentHash;
use super::summary::{Ending, Summary};
use super::{Change, Job, Mode, Scan, limits};

/// Follows a tree.
pub(crate) struct Watch {
    job: Job,
    yes: bool,
    /// Content that the server was last given for each document of the tree.
    known: HashMap<String, ContentHash>,
    /// How long the last reading of the tree took.
    reading: Duration,
}

/// How a round went.
enum Round {
    /// Server and tree are the same.
    Done,
    /// Something is owed and has to be tried again soon.
    Owed,
    /// The watch cannot go on.
    Over(Ending),
}

/// What a round has to do.
#[derive(Default)]
struct Difference {
    pending: HashMap<String, Change>,
    bytes: u64,
    gone: Vec<String>,
}

impl Watch {
    /// A watch that has not begun. With `yes`, any number of documents may vanish at once.
    pub(crate) fn new(job: Job, yes: bool) -> Self {
        Self { job, yes, known: HashMap::new(), reading: Duration::ZERO }
    }

    /// Pushes, shows the result to `show_first`, and follows the tree until it is interrupted.
    ///
    /// # Errors
    ///
    /// When the tree cannot be read at the start, or the result cannot be shown.
    pub(crate) async fn run(
        mut self,
        show_first: impl FnOnce(&Summary, &Ending) -> anyhow::Result<()>,
    ) -> anyhow::Result<Ending> {
        // Listening begins before the tree is read, so that nothing falls between the two.
        let (events, refusal) = Events::listen(self.job.tree.root());
        if let Some(error) = refusal {
            let seconds = limits::WATCH_BLIND.as_secs();
            self.job
                .reporter
                .warn(&format!("the tree is read every {seconds} s, because its changes cannot be followed: {error}"));
        }
        let first = self.job.run(Mode::default()).await?;
        show_first(&first.summary, &first.ending)?;
        if first.ending != Ending::Complete {
            return Ok(first.ending);
        }
        self.known = hashes(&first.scan);
        self.job.retry.patience = None;
        self.job.reporter.note("watching; Ctrl-C ends");
        Ok(self.follow(&events).await)
    }

    async fn follow(&mut self, events: &Events) -> Ending {
        let mut wait = limits::WATCH_REREAD;
        loop {
            let stop = self.job.retry.stop.clone();
            let rest = self.reading * limits::WATCH_REST;
            let change = async {
                sleep(rest).await;
                events.settle(Instant::now() + wait).await;
            };
            tokio::select! {
                () = stop.cancelled() => return Ending::Interrupted,
                () = change => {}
            }
            self.job.reporter.reset();
            wait = match self.round().await {
                Ok(Round::Done) => limits::WATCH_REREAD,
                Ok(Round::Owed) => limits::WATCH_OWED,
                Ok(Round::Over(ending)) => return ending,
                Err(error) => {
                    self.job.reporter.warn(&format!("{error:#}"));
                    limits::WATCH_OWED
                }
            };
        }
    }

    async fn round(&mut self) -> anyhow::Result<Round> {
        let began = Instant::now();
        let scan = self.job.scan().await?;
        self.reading = began.elapsed();
        if self.job.retry.stop.is_cancelled() {
            return Ok(Round::Over(Ending::Interrupted));
        }
        let difference = self.difference(&scan);
        let keep = self.keeps(&scan, &difference);
        let sent = self.job.send(difference.pending, difference.bytes).await;
        self.job.reporter.end();
        let mut ending = sent?;
        let delete = ending == Ending::Complete && !keep && !difference.gone.is_empty();
        if delete {
            ending = self.job.delete(&difference.gone).await;
        }
        Ok(match ending {
            Ending::Complete => {
                self.learn(&scan, keep);
                if keep { Round::Owed } else { Round::Done }
            }
            Ending::Unreachable(reason) => {
                self.job.reporter.warn(&reason);
                Round::Owed
            }
            over => Round::Over(over),
        })
    }

    fn difference(&self, scan: &Scan) -> Difference {
        let mut difference = Difference::default();
        for (id, local) in &scan.documents {
            let change = match self.known.get(id) {
                Some(known) if *known == local.hash => continue,
                Some(_) => Change::Changed,
                None => Change::New,
            };
            difference.pending.insert(id.clone(), change);
            difference.bytes += local.bytes;
        }
        let gone = self.known.keys();
        difference.gone = gone.filter(|id| scan.lacks(id)).cloned().collect();
        difference.gone.sort_unstable();
        difference
    }

    /// Whether documents that are gone have to stay on the server for now.
    fn keeps(&self, scan: &Scan, difference: &Difference) -> bool {
        let gone = difference.gone.len();
        if gone == 0 {
            return false;
        }
        let why = if scan.unreadable > 0 {
            "a part of the tree cannot be read"
        } else if !self.yes && too_many(gone, self.known.len()) {
            "that is more than half of the tree; if it is meant, use sync --yes or watch --yes"
        } else {
            return false;
        };
        let message = format!("{gone} documents are gone, and are kept on the server: {why}");
        self.job.reporter.warn_once(&message);
        true
    }

    /// Remembers what the server has been given. Refused content counts: sending it again would not help.
    fn learn(&mut self, scan: &Scan, keep: bool) {
        let before = std::mem::replace(&mut self.known, hashes(scan));
        if keep {
            for (id, hash) in before {
                self.known.entry(id).or_insert(hash);
            }
        }
    }
}

fn too_many(gone: usize, of: usize) -> bool {
    gone > limits::WATCH_DELETE_FREE && gone * limits::DELETE_SHARE > of
}

fn hashes(scan: &Scan) -> HashMap<String, ContentHash> {
    let documents = scan.documents.iter();
    documents.map(|(id, local)| (id.clone(), local.hash)).collect()
}
