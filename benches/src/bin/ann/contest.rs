//! One index on one set: built, swept in rounds, saved and loaded, all in processes of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::contestants::Contestant;
use crate::curve::{self, NEIGHBOURS};
use crate::process::Worker;
use crate::protocol::{Ask, Reply};
use crate::record::{Build, Load, Measured, Run};
use crate::sets::{self, Set};

/// From this recall on a sweep need not go further.
const ENOUGH: f64 = 0.999;
/// Nor when so many further efforts together gained less than [`GAIN`].
const PLATEAU: usize = 3;
const GAIN: f64 = 0.000_5;
/// Nor when fewer queries a second than this are answered.
const SLOWEST: f64 = 40.0;
/// Recalls at which speeds are reported.
pub(crate) const TARGETS: [f64; 2] = [0.95, 0.99];

/// What all contests on a set share.
pub(crate) struct Arena<'a> {
    pub(crate) set: &'a Set,
    pub(crate) truth: Vec<u32>,
    pub(crate) distances: Vec<f64>,
    /// The Python that has the peers.
    pub(crate) python: &'a Path,
    /// Where workers may write.
    pub(crate) scratch: PathBuf,
    pub(crate) threads: usize,
}

/// One index there.
pub(crate) struct Contest<'a> {
    arena: &'a Arena<'a>,
    contestant: &'static Contestant,
    scratch: PathBuf,
    worker: Option<Worker>,
    pub(crate) measured: Measured,
}

impl<'a> Contest<'a> {
    pub(crate) fn new(arena: &'a Arena<'a>, contestant: &'static Contestant) -> Self {
        let scratch = arena.scratch.join(contestant.name);
        let measured = Measured { name: contestant.name.to_owned(), ..Measured::default() };
        Self { arena, contestant, scratch, worker: None, measured }
    }

    /// Builds the index.
    pub(crate) fn begin(&mut self) {
        let done = self.build();
        self.note(done, "build");
    }

    /// Goes through the search parameters once more.
    pub(crate) fn round(&mut self) {
        let done = self.sweep().and_then(|()| self.sweep_threads());
        self.note(done, "search");
    }

    /// Saves the index, loads it in a new process, and cleans up. That it cannot be saved is no failure.
    pub(crate) fn end(&mut self) {
        self.measured.load = self.reload().ok();
        self.worker = None;
        let _ = std::fs::remove_dir_all(&self.scratch);
    }

    /// A failure ends the contest and is reported with what was measured until then.
    fn note(&mut self, done: Result<()>, what: &str) {
        if let Err(error) = done {
            self.measured.failed = Some(format!("{what}: {error:#}"));
            self.worker = None;
        }
    }

    fn start(&self) -> Result<(Worker, Reply)> {
        std::fs::create_dir_all(&self.scratch).with_context(|| format!("create {}", self.scratch.display()))?;
        let mut command = self.contestant.command(self.arena.python, &self.arena.set.folder, &self.scratch)?;
        let mut worker = Worker::start(&mut command)?;
        let ready = worker.hear()?;
        Ok((worker, ready))
    }

    fn build(&mut self) -> Result<()> {
        let (mut worker, ready) = self.start()?;
        if let Reply::Ready { ready } = ready {
            self.measured.what = ready;
        }
        let Reply::Built { seconds, memory } = worker.ask(&Ask::Build { threads: self.arena.threads })? else {
            bail!("the worker answered something else");
        };
        self.measured.build = Some(Build { seconds, memory });
        self.worker = Some(worker);
        Ok(())
    }

    fn sweep(&mut self) -> Result<()> {
        if self.worker.is_none() {
            return Ok(());
        }
        let is_first = self.measured.runs.is_empty();
        for &depth in self.contestant.depths {
            let mut recalls = Vec::new();
            for &effort in self.contestant.efforts {
                let is_known = self.measured.runs.iter().any(|it| (it.effort, it.depth) == (effort, depth));
                if is_first || is_known {
                    let (recall, qps) = self.run(effort, depth, 1)?;
                    recalls.push(recall);
                    if is_first && is_over(&recalls, qps) {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// All threads at once, with the settings beside each recall that is reported.
    fn sweep_threads(&mut self) -> Result<()> {
        if self.worker.is_none() || self.arena.threads == 1 {
            return Ok(());
        }
        let singles: Vec<Run> = self.measured.runs.iter().filter(|it| it.threads == 1).cloned().collect();
        let known = |run: &Run| (run.effort, run.depth);
        let mut chosen: Vec<(usize, usize)> =
            self.measured.runs.iter().filter(|it| it.threads > 1).map(known).collect();
        if chosen.is_empty() {
            let best = self.measured.curve(1);
            let near = TARGETS.iter().filter_map(|target| best.iter().position(|it| it.recall >= *target));
            let points = near.flat_map(|at| [best[at.saturating_sub(1)], best[at]]);
            chosen = points.filter_map(|point| singles.iter().find(|it| it.point() == point).map(known)).collect();
            chosen.sort_unstable();
            chosen.dedup();
        }
        for (effort, depth) in chosen {
            self.run(effort, depth, self.arena.threads)?;
        }
        Ok(())
    }

    /// One setting, measured once more.
    fn run(&mut self, effort: usize, depth: usize, threads: usize) -> Result<(f64, f64)> {
        let path = self.scratch.join("found.u32");
        let ids = path.to_str().context("the path of the cache is no text")?;
        let worker = self.worker.as_mut().context("the worker has ended")?;
        let Reply::Searched { seconds, .. } = worker.ask(&Ask::Search { effort, depth, threads, ids })? else {
            bail!("the worker answered something else");
        };
        let found = sets::read_ids(&path)?;
        let recall = curve::recall(&found, &self.arena.truth, &self.arena.distances);
        let qps = (found.len() / NEIGHBOURS) as f64 / seconds;
        let same = |it: &&mut Run| (it.effort, it.depth, it.threads) == (effort, depth, threads);
        match self.measured.runs.iter_mut().find(same) {
            Some(run) => run.qps.push(qps),
            None => self.measured.runs.push(Run { effort, depth, threads, recall, qps: vec![qps] }),
        }
        Ok((recall, qps))
    }

    fn reload(&mut self) -> Result<Load> {
        let mut worker = self.worker.take().context("there is nothing to save")?;
        let path = self.scratch.join("saved");
        let path = path.to_str().context("the path of the cache is no text")?;
        let Reply::Saved { seconds: save_seconds } = worker.ask(&Ask::Save { path })? else {
            bail!("the worker answered something else");
        };
        drop(worker);
        let (mut worker, _) = self.start()?;
        let Reply::Loaded { seconds, first, memory } = worker.ask(&Ask::Load { path })? else {
            bail!("the worker answered something else");
        };
        Ok(Load { save_seconds, seconds, first_seconds: first, memory })
    }
}

/// Whether a sweep has gone far enough.
fn is_over(recalls: &[f64], qps: f64) -> bool {
    let last = recalls.last().copied().unwrap_or(0.0);
    let earlier = recalls.len().checked_sub(PLATEAU + 1).map(|at| recalls[at]);
    last >= ENOUGH || qps < SLOWEST || earlier.is_some_and(|it| last - it < GAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_ends_at_the_top_on_a_plateau_or_when_it_crawls() {
        assert!(!is_over(&[0.5, 0.9], 100.0));
        assert!(is_over(&[0.5, 0.9991], 100.0));
        assert!(is_over(&[0.98, 0.9801, 0.9801, 0.9802], 100.0));
        assert!(!is_over(&[0.97, 0.98, 0.9801, 0.9802], 100.0));
        assert!(is_over(&[0.5], 10.0));
    }
}
