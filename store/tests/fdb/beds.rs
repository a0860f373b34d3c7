//! The stores that the behaviours are tried on.

use std::sync::Arc;

use coditect_store::conformance::{self, ALL, Bed, Behaviour, DISRUPTIVE, ROUGH};
use coditect_store::limits::KEY_BYTES;
use coditect_store::{Clock, FdbCluster, FdbOptions, Store};
use futures::FutureExt as _;

use crate::trials::{Trial, fresh_name};

/// Seeds of a run.
fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    match number("FDB_TEST_SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("FDB_TEST_SEEDS").unwrap_or(3)).collect(),
    }
}

/// Delays and early ends of range reads, which change no result.
fn slow(seed: u64) -> String {
    format!("seed={seed},latency_ms=2,small_pages=0.3")
}

/// Everything that can go wrong.
fn rough(seed: u64) -> String {
    let cut_off = format!("partition_ms={}-{}", 100 + seed % 200, 500 + seed % 300);
    let commits = "not_committed=0.05,commit_too_old=0.03,unknown_committed=0.1,unknown_not_committed=0.1";
    let reads = "too_old=0.02,process_behind=0.03,future_version=0.02,small_pages=0.3,watch_lost=0.2";
    format!("seed={seed},latency_ms=3,{commits},{reads},{cut_off}")
}

/// All behaviours on stores of the stand-in.
pub(crate) fn on_standin() -> Vec<Trial> {
    let calm = ALL.iter().chain(ROUGH).chain(DISRUPTIVE).map(|behaviour| alone("calm", *behaviour, 1, String::new()));
    let shared = ALL.iter().map(|behaviour| part(*behaviour, 1, None));
    let faulty = seeds().into_iter().flat_map(|seed| {
        let slow = ALL.iter().map(move |behaviour| alone("slow", *behaviour, seed, slow(seed)));
        let rough = ROUGH.iter().map(move |behaviour| alone("rough", *behaviour, seed, rough(seed)));
        rough.chain(slow)
    });
    calm.chain(shared).chain(faulty).collect()
}

/// All behaviours on the cluster of a file, each in a part of its own.
pub(crate) fn on_cluster(file: &str) -> Vec<Trial> {
    let strict = ALL.iter().map(|behaviour| part(*behaviour, 1, Some(file.into())));
    let rough = seeds().into_iter().flat_map(|seed| {
        let file = file.to_owned();
        ROUGH.iter().map(move |behaviour| part(*behaviour, seed, Some(file.as_str().into())))
    });
    strict.chain(rough).collect()
}

/// What nobody else on the cluster may be at work for.
pub(crate) fn on_quiet_cluster(file: &str) -> Vec<Trial> {
    DISRUPTIVE.iter().map(|behaviour| part(*behaviour, 1, Some(file.into()))).collect()
}

/// A behaviour on a database of its own, which this client reaches with these faults.
fn alone(day: &str, behaviour: Behaviour, seed: u64, faults: String) -> Trial {
    Trial::new(format!("{day}::{behaviour:?} FDB_TEST_SEED={seed}"), move || async move {
        let string = format!("{}:standin@127.0.0.1:4500\n# faults: {faults}\n", fresh_name());
        let store = Store::open_fdb(FdbOptions::new(FdbCluster::ConnectionString(string))).await.unwrap();
        (behaviour.check)(bed(store.clone(), KEY_BYTES, seed)).await;
        store.close().await.unwrap();
    })
}

/// A behaviour in its part of a database that others use at the same time.
fn part(behaviour: Behaviour, seed: u64, file: Option<Arc<str>>) -> Trial {
    Trial::new(format!("part::{behaviour:?} FDB_TEST_SEED={seed}"), move || async move {
        let cluster = match file {
            Some(file) => FdbCluster::File(file.as_ref().into()),
            None => FdbCluster::ConnectionString("shared:standin@127.0.0.1:4500".into()),
        };
        let store = Store::open_fdb(FdbOptions::new(cluster)).await.unwrap();
        let root = format!("conformance/{}/", Clock::system().uuid()).into_bytes();
        let part = conformance::part(&store, &root).await.unwrap();
        (behaviour.check)(bed(part, KEY_BYTES - conformance::prefix_bytes(&root), seed)).await;
        conformance::remove_part(&store, &root).await.unwrap();
        store.close().await.unwrap();
    })
}

fn bed(store: Store, longest_key: usize, seed: u64) -> Bed {
    Bed { store, longest_key, seed, pass: Arc::new(|time| tokio::time::sleep(time).boxed()) }
}
