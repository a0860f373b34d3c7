//! What a user of the store gets: `cargo bench -p coditect-store --bench transactions`. `-- --quick` takes a tenth of the time.
//!
//! Durable transactions through `Store::run`, reads, and how long opening takes.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark prints, and stops at the first thing that goes wrong"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coditect_store::{AtomicOp, EmbeddedOptions, Error, RangeQuery, Store};
use tokio::sync::Mutex;

const KEYS: u64 = 100_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let time = Duration::from_secs(if quick { 1 } else { 10 });
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    for tasks in [1, 16, 64] {
        let set = |store: Store, number: u64| async move { set(&store, number).await };
        report("set 1 kB", tasks, run(&store, tasks, time, set).await);
    }
    let update = |store: Store, number: u64| async move { update(&store, number).await };
    report("read and set 1 kB", 16, run(&store, 16, time, update).await);
    let count = |store: Store, _: u64| async move { count(&store).await };
    report("add to one counter", 16, run(&store, 16, time, count).await);
    let read = |store: Store, number: u64| async move { read(&store, number).await };
    report("read one key", 16, run(&store, 16, time, read).await);
    let scan = |store: Store, number: u64| async move { scan(&store, number).await };
    report("read a range of 100", 16, run(&store, 16, time, scan).await);
    store.close().await.unwrap();
    opening(dir.path(), quick).await;
}

async fn open(dir: &Path) -> Store {
    Store::open_embedded(EmbeddedOptions::new(dir)).await.unwrap()
}

fn key(number: u64) -> Vec<u8> {
    [b"tenant/collection/".as_slice(), &(number % KEYS).to_be_bytes()].concat()
}

/// A thousand bytes that do not repeat.
fn value(mut number: u64) -> Vec<u8> {
    let mut value = Vec::with_capacity(1000);
    while value.len() < 1000 {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        value.extend_from_slice(&number.to_le_bytes());
    }
    value
}

async fn set(store: &Store, number: u64) {
    let (key, value) = (&key(number), &value(number));
    let set = store.run(|tx| async move {
        tx.set(key, value);
        Ok::<_, Error>(())
    });
    set.await.unwrap();
}

async fn update(store: &Store, number: u64) {
    let (key, value) = (&key(number), &value(number));
    let update = store.run(|tx| async move {
        tx.get(key).await?;
        tx.set(key, value);
        Ok::<_, Error>(())
    });
    update.await.unwrap();
}

async fn count(store: &Store) {
    let count = store.run(|tx| async move {
        tx.atomic(AtomicOp::Add, b"count", &1u64.to_le_bytes());
        Ok::<_, Error>(())
    });
    count.await.unwrap();
}

async fn read(store: &Store, number: u64) {
    store.begin().get(&key(number)).await.unwrap();
}

async fn scan(store: &Store, number: u64) {
    let range = RangeQuery::from((key(number), b"tenant/collection0".to_vec())).limit(100);
    store.begin().get_range(range).await.unwrap();
}

/// Runs `job` again and again in so many tasks; answers how long each took.
async fn run<F, Fut>(store: &Store, tasks: u64, time: Duration, job: F) -> (Vec<Duration>, Duration)
where
    F: Fn(Store, u64) -> Fut + Send + Sync + Copy + 'static,
    Fut: Future<Output = ()> + Send,
{
    let all = Arc::new(Mutex::new(Vec::new()));
    let start = Instant::now();
    let tasks = (0..tasks).map(|task| {
        let (store, all) = (store.clone(), Arc::clone(&all));
        tokio::spawn(async move {
            let mut latencies = Vec::new();
            let mut number = task.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            while start.elapsed() < time {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let begun = Instant::now();
                job(store.clone(), number >> 20).await;
                latencies.push(begun.elapsed());
            }
            all.lock().await.append(&mut latencies);
        })
    });
    futures::future::try_join_all(tasks).await.unwrap();
    let took = start.elapsed();
    (std::mem::take(&mut *all.lock().await), took)
}

fn report(what: &str, tasks: u64, (mut latencies, took): (Vec<Duration>, Duration)) {
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    let rate = latencies.len() as f64 / took.as_secs_f64();
    println!("{what:24} {tasks:>3} tasks {rate:>10.0} /s   p50 {:>8.0} us   p99 {:>8.0} us", at(0.5), at(0.99));
}

/// How long opening takes after a clean end.
async fn opening(dir: &Path, quick: bool) {
    let store = open(dir).await;
    for first in (0..if quick { 100_000 } else { 1_000_000 }).step_by(1000) {
        let tx = store.begin();
        (first..first + 1000u64).for_each(|number| {
            tx.set(&[b"load/".as_slice(), &number.to_be_bytes()].concat(), &value(number)[..200]);
        });
        tx.commit().await.unwrap();
    }
    store.close().await.unwrap();
    let size = std::fs::metadata(dir.join("store.redb")).unwrap().len();
    for verify in [true, false] {
        let mut options = EmbeddedOptions::new(dir);
        options.verify = verify;
        let start = Instant::now();
        let store = Store::open_embedded(options).await.unwrap();
        println!("open {} MB, verify {verify}: {:.0} ms", size / 1_000_000, start.elapsed().as_secs_f64() * 1e3);
        store.close().await.unwrap();
    }
}
