//! Random wishes in a random cluster: whatever happens on the way, in the end the cluster is as wished.
//!
//! `SEED=7 cargo test -p coditect-workspaces model` runs one again, `SEEDS=500` that many.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use coditect_workspaces::{NewWorkspace, ReconcilerOptions, State, Wanted, Workspace, Workspaces};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::cluster::{Kind, Mock, Node};
use crate::harness::{Rig, Running, cluster, eventually_some, fast, mock, options};

const SEEDS: u64 = 40;
const STEPS: usize = 60;
const USERS: usize = 4;

fn brisk() -> ReconcilerOptions {
    ReconcilerOptions {
        lease: Duration::from_millis(90),
        resync: Duration::from_millis(60),
        failed_retry: Duration::from_millis(40),
        keep_terminated: Duration::from_millis(300),
        concurrency: 3,
        ..fast()
    }
}

struct Trial {
    rig: Rig,
    mock: Arc<Mock>,
    others: [Workspaces; 2],
    running: Vec<Option<Running>>,
    random: ChaCha8Rng,
}

impl Trial {
    async fn new(seed: u64) -> Self {
        let rig = Rig::new(options(1)).await;
        let others = [rig.another(|store| store).await, rig.another(|store| store).await];
        for user in 0..USERS {
            rig.named("acme", &format!("u{user}")).await;
        }
        let mock = mock().await;
        mock.faults(|it| it.by_chance(seed, 0.12));
        Self { rig, mock, others, running: vec![None, None], random: ChaCha8Rng::seed_from_u64(seed) }
    }

    async fn start(&mut self, which: usize) {
        if self.running[which].is_none() {
            let cluster = cluster(&self.mock).await;
            self.running[which] = Some(Running::start(&self.others[which], cluster, brisk()));
        }
    }

    async fn all(&self) -> Vec<Workspace> {
        self.rig.workspaces.list(&self.rig.operator(), None, 1_000).await.unwrap().items
    }

    async fn step(&mut self) {
        let which = self.random.random_range(0..2);
        match self.random.random_range(0..20) {
            0 => self.mock.cut_watches(),
            1 => self.mock.expire_watches(),
            2 | 3 => self.mock.omit_events(self.random.random_bool(0.3)),
            4 => {
                if let Some(running) = self.running[which].take() {
                    running.kill().await;
                }
            }
            5 => {
                if let Some(running) = self.running[which].take() {
                    running.stop().await;
                }
            }
            6..9 => self.start(which).await,
            9 | 10 => self.meddle(),
            _ => self.wish().await,
        }
        tokio::time::sleep(Duration::from_millis(self.random.random_range(0..15))).await;
    }

    /// Somebody deletes something, or a node goes bad or good.
    fn meddle(&mut self) {
        let places = self.mock.places();
        if places.is_empty() || self.random.random_bool(0.3) {
            let node = [Node::Works, Node::NoImage, Node::Evicts][self.random.random_range(0..3)];
            return self.mock.node("", node);
        }
        let place = &places[self.random.random_range(0..places.len())];
        self.mock.delete(place.kind, &place.namespace, &place.name);
    }

    /// Asks for something. What is refused, such as resuming one that was deleted, is refused.
    async fn wish(&mut self) {
        let (operator, mut all) = (self.rig.operator(), self.all().await);
        all.retain(|it| it.wanted != Wanted::Terminated);
        let wish = self.random.random_range(0..4);
        if all.is_empty() || wish == 0 {
            let user = format!("u{}", self.random.random_range(0..USERS));
            let new = NewWorkspace { name: user.clone(), user: Some(coditect_auth::UserId::new(user).unwrap()) };
            let _ = self.rig.workspaces.create(&operator, &new).await;
            return;
        }
        let id = &all[self.random.random_range(0..all.len())].id;
        let _ = match wish {
            1 => self.rig.workspaces.suspend(&operator, id).await,
            2 => self.rig.workspaces.resume(&operator, id).await,
            _ => self.rig.workspaces.delete(&operator, id).await,
        };
    }

    /// What keeps the end from being as it shall be; nothing when it is.
    async fn missing(&self) -> Option<String> {
        let all = self.all().await;
        if let Some(it) = all.iter().find(|it| it.state != it.wanted.state() || it.state == State::Terminated) {
            return Some(format!("{it:?}"));
        }
        let of = |running: bool| all.iter().filter(move |it| !running || it.wanted == Wanted::Running);
        let pods: BTreeSet<&str> = of(true).map(|it| it.pod_name.as_str()).collect();
        let known: BTreeSet<String> = of(false)
            .flat_map(|it| [it.pod_name.clone(), it.service.clone(), format!("{}-token", it.pod_name)])
            .collect();
        let places = self.mock.places();
        let seen: BTreeSet<&str> = places.iter().filter(|it| it.kind == Kind::Pod).map(|it| it.name.as_str()).collect();
        if seen != pods {
            return Some(format!("pods {seen:?} in place of {pods:?}"));
        }
        let guarded = of(true).all(|it| {
            let is_there = |kind, name: &str| self.mock.get(kind, &it.pod_namespace, name).is_some();
            is_there(Kind::Policy, &it.pod_name)
                && is_there(Kind::Service, &it.service)
                && is_there(Kind::Claim, &it.pod_name)
        });
        if !guarded {
            return Some(format!("a part of a running one, of {places:?}"));
        }
        places.iter().find(|it| !known.contains(&it.name)).map(|it| format!("{it:?} is of nobody"))
    }

    async fn end(mut self) {
        self.mock.faults(crate::cluster::Faults::clear);
        self.mock.node("", Node::Works);
        self.mock.omit_events(false);
        self.start(0).await;
        let looking = eventually_some("the end", || async { self.missing().await.is_none().then_some(()) });
        if tokio::time::timeout(Duration::from_secs(15), looking).await.is_err() {
            panic!("{}", self.missing().await.unwrap_or_default());
        }
        for running in self.running.drain(..).flatten() {
            running.stop().await;
        }
        self.mock.stop();
    }
}

async fn trial(seed: u64) {
    let mut trial = Trial::new(seed).await;
    for _ in 0..STEPS {
        trial.step().await;
    }
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_end_the_cluster_is_as_wished() {
    let number = |name: &str| std::env::var(name).ok().and_then(|it| it.parse::<u64>().ok());
    let seeds: Vec<u64> = match number("SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("SEEDS").unwrap_or(SEEDS)).collect(),
    };
    for pair in seeds.chunks(4) {
        let trials = pair.iter().map(|seed| (*seed, tokio::spawn(trial(*seed))));
        for (seed, trial) in trials.collect::<Vec<_>>() {
            assert!(trial.await.is_ok(), "seed {seed}");
        }
    }
}
