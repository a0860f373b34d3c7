//! Durable commits of 1 kB: 16 writers that each flush, 16 writers that share flushes, and one writer.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::Scale;
use crate::engine::{Change, Engine, Kind, Numbers, key};
use crate::report::Report;

const WRITERS: usize = 16;
const KEYS: usize = 100_000;
const VALUE_BYTES: usize = 1000;

pub(crate) fn run(kind: Kind, dir: &Path, scale: Scale, report: &mut Report) {
    let engine = kind.open(dir);
    let time = Duration::from_millis(scale.of(10_000) as u64);
    let (latencies, took) = writers(1, time, |change| engine.commit([&change]));
    report.rate("1 writer", latencies.len(), took);
    report.latencies("1 writer", latencies);
    let (latencies, took) = writers(WRITERS, time, |change| engine.commit([&change]));
    report.rate("16 writers, each flushes", latencies.len(), took);
    report.latencies("16 writers, each flushes", latencies);
    let group = Group::start(engine);
    let (latencies, took) = writers(WRITERS, time, |change| group.commit(change));
    report.rate("16 writers, group commit", latencies.len(), took);
    report.latencies("16 writers, group commit", latencies);
}

fn writers(count: usize, time: Duration, commit: impl Fn(Change) + Sync) -> (Vec<Duration>, Duration) {
    let start = Instant::now();
    let commit = &commit;
    let latencies = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..count).map(|seed| scope.spawn(move || writer(seed as u64, start, time, commit))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    (latencies, start.elapsed())
}

fn writer(seed: u64, start: Instant, time: Duration, commit: &(impl Fn(Change) + Sync)) -> Vec<Duration> {
    let mut numbers = Numbers::new(seed);
    let mut latencies = Vec::new();
    while start.elapsed() < time {
        let change = (key(numbers.below(KEYS)), Some(numbers.bytes(VALUE_BYTES)));
        let begun = Instant::now();
        commit(change);
        latencies.push(begun.elapsed());
    }
    latencies
}

/// One thread that commits for all: takes what has queued up and flushes once.
struct Group(mpsc::Sender<(Change, mpsc::SyncSender<()>)>);

impl Group {
    fn start(engine: Arc<Engine>) -> Self {
        let (sender, receiver) = mpsc::channel::<(Change, mpsc::SyncSender<()>)>();
        std::thread::spawn(move || {
            while let Ok(first) = receiver.recv() {
                let batch: Vec<_> = std::iter::once(first).chain(receiver.try_iter()).collect();
                engine.commit(batch.iter().map(|(change, _)| change));
                batch.iter().for_each(|(_, done)| done.send(()).unwrap());
            }
        });
        Self(sender)
    }

    fn commit(&self, change: Change) {
        let (done, wait) = mpsc::sync_channel(1);
        self.0.send((change, done)).unwrap();
        wait.recv().unwrap();
    }
}
