//! Several engines on one store, as several gateways on one cluster: whoever has the version of a write sees it, or something newer, through any of them, also
//! while they stop and start; and in the end all answer the same.
//!
//! Runs for `REPLICA_SECONDS`, or a few; `REPLICA_SEED` repeats the choices of an earlier run.

#![allow(clippy::print_stdout, reason = "the last line is what the run came to")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use coditect_engine::model::{TenantId, Version};
use coditect_engine::search::{Mode, SearchRequest};
use coditect_engine::{Engine, EngineOptions, Tenant};
use coditect_store::{Clock, Store};
use parking_lot::{Mutex, RwLock};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::harness::{WAIT, docs, document, id, open_again, query_of, spec};

const GATEWAYS: usize = 3;
const WRITERS: usize = 2;
const READERS: usize = 3;
/// Documents of each writer.
const DOCUMENTS: usize = 12;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// What is known of a document.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// The last revision that was acknowledged; deletions count too.
    revision: u64,
    is_there: bool,
    version: Version,
    /// The last revision that was begun: it may be seen before it is acknowledged.
    begun: u64,
}

#[derive(Debug, Default)]
struct Counts {
    writes: AtomicUsize,
    reads: AtomicUsize,
    refused: AtomicUsize,
    restarts: AtomicUsize,
}

/// Three engines, some of which may be down.
struct Gateways {
    stores: Vec<Store>,
    engines: Vec<RwLock<Option<Engine>>>,
    clock: Clock,
    known: Mutex<HashMap<String, Known>>,
    stale: Mutex<Vec<String>>,
    counts: Counts,
}

fn tenant(engine: &Engine) -> Tenant {
    engine.tenant(&TenantId::new("t").unwrap())
}

impl Gateways {
    async fn start(dir: &TempDir) -> Self {
        let first = crate::harness::open(dir.path()).await;
        let mut stores = vec![first.clone()];
        while stores.len() < GATEWAYS {
            stores.push(open_again(dir.path(), &first).await);
        }
        let clock = Clock::system();
        let engine = |store: &Store| Engine::start(store.clone(), clock.clone(), &EngineOptions::default());
        let engines = stores.iter().map(|store| RwLock::new(Some(engine(store)))).collect();
        let (known, stale, counts) = Default::default();
        Self { stores, engines, clock, known, stale, counts }
    }

    fn any(&self, random: &mut ChaCha8Rng) -> Tenant {
        let first = random.random_range(0..GATEWAYS);
        let mut alive = (first..first + GATEWAYS).filter_map(|at| self.engines[at % GATEWAYS].read().clone());
        tenant(&alive.next().expect("one gateway is down at a time"))
    }

    /// Changes one of the writer's own documents.
    async fn write(&self, writer: usize, random: &mut ChaCha8Rng) {
        let name = format!("doc{writer}x{}", random.random_range(0..DOCUMENTS));
        let before = self.known.lock().get(&name).copied();
        let revision = before.map_or(0, |before| before.revision) + 1;
        self.known.lock().entry(name.clone()).and_modify(|known| known.begun = revision);
        let is_there = random.random_range(0..6) > 0;
        let gateway = self.any(random);
        let version = if is_there {
            let texts = [format!("{name} says revision{revision}"), format!("{name} shares words with all others")];
            let document = document(&name, &[&texts[0], &texts[1]]);
            gateway.put(&docs(), &spec(), document).await.unwrap().version
        } else {
            gateway.delete(&docs(), &id(&name)).await.unwrap().1
        };
        assert!(before.is_none_or(|before| before.version <= version), "{name}: {before:?}, then {version}");
        self.known.lock().insert(name, Known { revision, is_there, version, begun: revision });
        self.counts.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks for a document by the version of its last write.
    async fn read(&self, random: &mut ChaCha8Rng) {
        let all: Vec<(String, Known)> = self.known.lock().iter().map(|(name, it)| (name.clone(), *it)).collect();
        if all.is_empty() {
            return tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let (name, expected) = &all[random.random_range(0..all.len())];
        let mode = [Mode::Keyword, Mode::Vector, Mode::Hybrid][random.random_range(0..3)];
        let query = query_of(&format!("{name} says"));
        let request = SearchRequest { mode, top_k: 200, min_version: Some(expected.version), wait: WAIT, ..query };
        let Ok(response) = self.any(random).search(request).await else {
            // The gateway was stopped while it waited.
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let said = |text: &str| text.split("revision").nth(1).and_then(|number| number.parse::<u64>().ok());
        let of_it = response.results.iter().filter(|result| result.document.as_str() == name);
        let seen = of_it.filter_map(|result| said(&result.passage.text)).max();
        let begun = self.known.lock()[name].begun;
        // A later change may be seen already, or have taken it away.
        let is_stale = match seen {
            Some(revision) => revision < expected.revision || (revision == expected.revision && !expected.is_there),
            None => expected.is_there && begun == expected.revision,
        };
        if is_stale {
            self.stale.lock().push(format!("{name} by {mode:?}: {expected:?} acknowledged, revision {seen:?} seen"));
        }
        self.counts.reads.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one gateway down, and up again a little later.
    async fn restart_one(&self, random: &mut ChaCha8Rng) {
        tokio::time::sleep(Duration::from_millis(random.random_range(100..900))).await;
        let at = random.random_range(0..GATEWAYS);
        let engine = self.engines[at].write().take().unwrap();
        engine.stop().await;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..300))).await;
        let engine = Engine::start(self.stores[at].clone(), self.clock.clone(), &EngineOptions::default());
        *self.engines[at].write() = Some(engine);
        self.counts.restarts.fetch_add(1, Ordering::Relaxed);
    }

    /// Questions to which the gateways give different answers.
    async fn divergent(&self) -> Vec<String> {
        let last = self.known.lock().values().map(|it| it.version).max().unwrap();
        let names: Vec<String> = self.known.lock().keys().cloned().collect();
        let mut divergent = Vec::new();
        for query in names.iter().map(|name| format!("{name} says")).chain(["shares words".to_owned()]) {
            for mode in [Mode::Keyword, Mode::Vector, Mode::Hybrid] {
                let mut answers = Vec::new();
                for engine in &self.engines {
                    let gateway = tenant(engine.read().as_ref().unwrap());
                    let query = query_of(&query);
                    let request = SearchRequest { mode, top_k: 20, min_version: Some(last), wait: WAIT, ..query };
                    let results = gateway.search(request).await.unwrap().results;
                    let of =
                        |it: &coditect_engine::search::SearchResult| (it.document.to_string(), it.passage.text.clone());
                    answers.push(results.iter().map(of).collect::<Vec<_>>());
                }
                if answers.iter().any(|answer| *answer != answers[0]) {
                    divergent.push(format!("{query:?} by {mode:?}: {answers:#?}"));
                }
            }
        }
        divergent
    }
}

async fn repeat<F: Future<Output = ()>>(until: Instant, mut work: impl FnMut(ChaCha8Rng) -> F, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    while Instant::now() < until {
        work(ChaCha8Rng::seed_from_u64(random.random())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn gateways_on_one_store_behave_as_one() {
    let dir = TempDir::new().unwrap();
    let gateways = Arc::new(Gateways::start(&dir).await);
    let (seconds, seed) = (setting("REPLICA_SECONDS", 5), setting("REPLICA_SEED", 7));
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let all = gateways.clone();
        let write = move |mut random| {
            let all = all.clone();
            async move { all.write(writer, &mut random).await }
        };
        tasks.push(tokio::spawn(repeat(until, write, seed + writer as u64)));
    }
    for reader in 0..READERS {
        let all = gateways.clone();
        let read = move |mut random| {
            let all = all.clone();
            async move { all.read(&mut random).await }
        };
        tasks.push(tokio::spawn(repeat(until, read, seed + 100 + reader as u64)));
    }
    let all = gateways.clone();
    let restart = move |mut random| {
        let all = all.clone();
        async move { all.restart_one(&mut random).await }
    };
    tasks.push(tokio::spawn(repeat(until, restart, seed + 200)));
    for task in tasks {
        task.await.unwrap();
    }
    let divergent = gateways.divergent().await;
    let stale = gateways.stale.lock().clone();
    let Counts { writes, reads, refused, restarts } = &gateways.counts;
    let verdict = if stale.is_empty() && divergent.is_empty() { "ok" } else { "failed" };
    println!(
        "replicas: {verdict}, seed {seed}, {writes:?} writes, {reads:?} reads, {refused:?} refused, {restarts:?} restarts, {} stale reads, {} \
         divergent answers",
        stale.len(),
        divergent.len()
    );
    assert!(stale.is_empty(), "{stale:#?}");
    assert!(divergent.is_empty(), "{}", divergent.join("\n"));
}
