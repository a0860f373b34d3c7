//! Space under load of constant size: updates of the same keys, a queue that is filled and drained, and what is given back.

use std::path::Path;
use std::time::Instant;

use crate::Scale;
use crate::engine::{Change, Engine, Kind, Numbers, disk_bytes, key};
use crate::report::Report;

const KEYS: usize = 20_000;
const UPDATES: usize = 400_000;
const BATCH: usize = 64;
const QUEUE: usize = 200_000;

pub(crate) fn run(kind: Kind, dir: &Path, scale: Scale, report: &mut Report) {
    let engine = kind.open(dir);
    let mut numbers = Numbers::new(2);
    let mut update = |count: usize| {
        for _ in 0..count / BATCH {
            let batch: Vec<Change> =
                (0..BATCH).map(|_| (key(numbers.below(KEYS)), Some(numbers.bytes(1000)))).collect();
            engine.commit(&batch);
        }
    };
    let megabytes = |dir: &Path| disk_bytes(dir) as f64 / 1e6;
    for quarter in 1..=4 {
        update(scale.of(UPDATES) / 4);
        report.add(&format!("20 MB of keys after {quarter}/4 of updates"), megabytes(dir), "MB");
    }
    report.memory("after updates");
    let all: Vec<Change> = (0..KEYS).map(|number| (key(number), None)).collect();
    all.chunks(1000).for_each(|chunk| engine.commit(chunk));
    report.add("after removing all keys", megabytes(dir), "MB");
    update(scale.of(UPDATES) / 4);
    report.add("after updating again", megabytes(dir), "MB");
    queue(&engine, scale, report);
}

/// A queue: each commit appends ten entries and takes the ten oldest. Reading its head must not slow down.
fn queue(engine: &Engine, scale: Scale, report: &mut Report) {
    let entry = |number: usize| format!("queue/{number:020}").into_bytes();
    let head_time = |at: usize| {
        let start = Instant::now();
        for _ in 0..100 {
            engine.scan(b"queue/", 10);
        }
        (at, start.elapsed() / 100)
    };
    let entries = scale.of(QUEUE);
    let mut times = Vec::new();
    for first in (0..entries).step_by(10) {
        let added = (first..first + 10).map(|number| (entry(number), Some(vec![7; 100])));
        let taken = (first.saturating_sub(100)..(first + 10).saturating_sub(100)).map(|number| (entry(number), None));
        engine.commit(&added.chain(taken).collect::<Vec<Change>>());
        if first + 10 == entries / 10 || first + 10 == entries {
            times.push(head_time(first + 10));
        }
    }
    for (at, time) in times {
        report.add(&format!("head of a queue of 100 after {at} entries"), time.as_secs_f64() * 1e6, "us");
    }
}
