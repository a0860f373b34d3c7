//! The conformance suite on the embedded backend.

use std::sync::Arc;
use std::time::Duration;

use coditect_store::RangeQuery;
use coditect_store::conformance::{self, Bed};
use coditect_store::faults::{Fault, Faults};
use coditect_store::for_each_behaviour;
use coditect_store::limits::KEY_BYTES;
use futures::FutureExt as _;

use crate::support::{manual_clock, open, open_at};

async fn check(name: &str) {
    let dir = tempfile::tempdir().unwrap();
    let clock = manual_clock();
    let store = open_at(dir.path(), &clock).await;
    let pass = Arc::new(move |time| {
        clock.advance(time);
        async {}.boxed()
    });
    let bed = Bed { store: store.clone(), longest_key: KEY_BYTES, seed: 1, pass };
    conformance::run(name, bed).await;
    store.close().await.unwrap();
}

macro_rules! tests {
    ($($name:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                check(stringify!($name)).await;
            }
        )+
    };
}
for_each_behaviour!(tests);

#[tokio::test]
async fn disruptive_behaviours_hold() {
    for behaviour in conformance::DISRUPTIVE {
        check(behaviour.name).await;
    }
}

#[tokio::test]
async fn versions_stay_advanced_when_the_store_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    store.advance(1 << 40).await.unwrap();
    store.close().await.unwrap();
    let store = open(dir.path()).await;
    assert!(store.begin().read_version().await.unwrap() > 1 << 40);
    store.close().await.unwrap();
}

/// Faults above the embedded backend: about every fourth commit and every tenth read.
fn rough_day(seed: u64) -> Faults {
    let faults = Faults::default();
    let mut state = seed;
    let mut below = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let calm = Fault::Delay(Duration::ZERO);
    let mut draw = |often: u64| match below(often) {
        0 => [Fault::Conflict, Fault::TooOld, Fault::Unavailable, Fault::UnknownApplied, Fault::UnknownNotApplied]
            [below(5) as usize],
        _ => calm,
    };
    faults.on_commits((0..2_000).map(|_| draw(4)));
    faults.on_reads((0..20_000).map(|_| draw(10)));
    faults
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rough_behaviours_hold() {
    for seed in 1..4 {
        for behaviour in conformance::ROUGH {
            eprintln!("seed {seed}, {behaviour:?}");
            let dir = tempfile::tempdir().unwrap();
            let store = open(dir.path()).await;
            let faulty = store.with_faults(rough_day(seed));
            let pass = Arc::new(|time| tokio::time::sleep(time).boxed());
            (behaviour.check)(Bed { store: faulty, longest_key: KEY_BYTES, seed, pass }).await;
            store.close().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_a_store_is_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let run = conformance::ALL.iter().filter(|behaviour| !behaviour.name.contains("five_seconds"));
    for behaviour in run {
        let root = behaviour.name.as_bytes();
        let longest_key = KEY_BYTES - conformance::prefix_bytes(root);
        let pass = Arc::new(|time| tokio::time::sleep(time).boxed());
        let part = conformance::part(&store, root).await.unwrap();
        (behaviour.check)(Bed { store: part, longest_key, seed: 1, pass }).await;
        conformance::remove_part(&store, root).await.unwrap();
    }
    let left = store.begin().get_range(RangeQuery::prefix(b"")).await.unwrap();
    assert_eq!(left.items, []);
    store.close().await.unwrap();
}
