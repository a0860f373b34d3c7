//! A worker in Rust: holds one index over one set and does what the lines on its standard input say.

mod baseline;
mod memory;
pub(crate) mod ours;

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::curve::{MISSING, NEIGHBOURS};
use crate::protocol::{Ask, Description, Memory, Reply};
use crate::sets::{Set, Vectors};
use memory::Resident;

/// A pass over all queries is repeated until this many seconds were measured.
const LEAST_SECONDS: f64 = 0.4;
/// Effort of the first search after loading.
const FIRST_EFFORT: usize = 64;

/// What is measured of an index.
trait Index {
    fn describe(&self) -> Description;
    fn build(&mut self, base: &Vectors) -> Result<()>;
    /// The nearest of one query, as rows.
    fn search(&self, query: &[f32], count: usize, effort: usize, depth: usize) -> Vec<u32>;
    fn save(&self, path: &Path) -> Result<()>;
    fn load(&mut self, path: &Path) -> Result<()>;
}

struct Session {
    set: Set,
    queries: Vectors,
    index: Box<dyn Index + Sync>,
}

/// Answers commands until there are no more.
pub(crate) fn serve(name: &str, folder: &Path, scratch: &Path) -> Result<()> {
    let set = Set::open(folder)?;
    let index: Box<dyn Index + Sync> = match name {
        "ours" => Box::new(ours::Ours::new(&set.info, scratch)?),
        "hnsw_rs" => Box::new(baseline::Baseline::new(set.info.metric)),
        _ => bail!("no index is called {name}"),
    };
    let queries = set.queries()?;
    let mut session = Session { set, queries, index };
    say(&Reply::Ready { ready: session.index.describe() })?;
    for line in std::io::stdin().lock().lines() {
        let line = line.context("read a command")?;
        let answer = session.obey(&line).unwrap_or_else(|error| Reply::Error { error: format!("{error:#}") });
        say(&answer)?;
    }
    Ok(())
}

fn say(reply: &Reply) -> Result<()> {
    let mut line = serde_json::to_string(reply).context("turn the answer into JSON")?;
    line.push('\n');
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).context("answer")
}

impl Session {
    fn obey(&mut self, line: &str) -> Result<Reply> {
        match serde_json::from_str(line).context("parse the command")? {
            Ask::Build { threads } => self.build(threads),
            Ask::Search { effort, depth, threads, ids } => self.search(effort, depth, threads, Path::new(ids)),
            Ask::Save { path } => {
                let started = Instant::now();
                self.index.save(Path::new(path))?;
                Ok(Reply::Saved { seconds: started.elapsed().as_secs_f64() })
            }
            Ask::Load { path } => self.load(Path::new(path)),
        }
    }

    fn build(&mut self, threads: usize) -> Result<Reply> {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("start the threads")?;
        let base = self.set.base()?;
        let before = Resident::now()?;
        let started = Instant::now();
        self.index.build(&base)?;
        let seconds = started.elapsed().as_secs_f64();
        Ok(Reply::Built { seconds, memory: before.grown()? })
    }

    fn search(&self, effort: usize, depth: usize, threads: usize, ids: &Path) -> Result<Reply> {
        let (mut best, mut total, mut passes) = (f64::INFINITY, 0.0, 0);
        let mut found = Vec::new();
        while total < LEAST_SECONDS {
            let started = Instant::now();
            found = self.pass(effort, depth, threads);
            let seconds = started.elapsed().as_secs_f64();
            (best, total, passes) = (seconds.min(best), total + seconds, passes + 1);
        }
        let mut bytes = Vec::with_capacity(found.len() * NEIGHBOURS * size_of::<u32>());
        for rows in &found {
            let filled = rows.iter().copied().chain(std::iter::repeat(MISSING)).take(NEIGHBOURS);
            bytes.extend(filled.flat_map(u32::to_le_bytes));
        }
        std::fs::write(ids, bytes).with_context(|| format!("write {}", ids.display()))?;
        Ok(Reply::Searched { seconds: best, passes })
    }

    /// Searches for all queries, each thread one after another.
    fn pass(&self, effort: usize, depth: usize, threads: usize) -> Vec<Vec<u32>> {
        let index = &*self.index;
        let queries: Vec<&[f32]> = self.queries.iter().collect();
        let all = |part: &[&[f32]]| -> Vec<Vec<u32>> {
            part.iter().map(|query| index.search(query, NEIGHBOURS, effort, depth)).collect()
        };
        if threads == 1 {
            return all(&queries);
        }
        let all = &all;
        std::thread::scope(|scope| {
            let parts = queries.chunks(queries.len().div_ceil(threads));
            let running: Vec<_> = parts.map(|part| scope.spawn(move || all(part))).collect();
            running.into_iter().flat_map(|it| it.join().unwrap_or_default()).collect()
        })
    }

    fn load(&mut self, path: &Path) -> Result<Reply> {
        let before = Resident::now()?;
        let started = Instant::now();
        self.index.load(path)?;
        let seconds = started.elapsed().as_secs_f64();
        self.index.search(self.queries.row(0), NEIGHBOURS, FIRST_EFFORT, 0);
        let first = started.elapsed().as_secs_f64();
        let memory: Memory = before.grown()?;
        Ok(Reply::Loaded { seconds, first, memory })
    }
}
