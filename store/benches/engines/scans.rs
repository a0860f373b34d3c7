//! A million keys of 200 bytes: loading, full scan, short scans, point reads, and the memory that it took.

use std::path::Path;
use std::time::Instant;

use crate::Scale;
use crate::engine::{Change, Kind, Numbers, disk_bytes, key};
use crate::report::Report;

const KEYS: usize = 1_000_000;
const VALUE_BYTES: usize = 200;
const BATCH: usize = 1000;

pub(crate) fn run(kind: Kind, dir: &Path, scale: Scale, report: &mut Report) {
    let keys = scale.of(KEYS);
    let mut numbers = Numbers::new(1);
    let engine = kind.open(dir);
    let start = Instant::now();
    for first in (0..keys).step_by(BATCH) {
        let batch: Vec<Change> =
            (first..first + BATCH).map(|number| (key(number), Some(numbers.bytes(VALUE_BYTES)))).collect();
        engine.commit(&batch);
    }
    report.rate("load in durable batches of 1000, keys", keys, start.elapsed());
    report.memory("after loading");
    report.add("size on disk", disk_bytes(dir) as f64 / 1e6, "MB");
    drop(engine);

    let engine = kind.open(dir);
    let start = Instant::now();
    assert_eq!(engine.scan(b"", usize::MAX).0, keys);
    report.rate("full scan, keys", keys, start.elapsed());
    let start = Instant::now();
    let rounds = scale.of(20_000);
    for _ in 0..rounds {
        engine.scan(&key(numbers.below(keys)), 100);
    }
    report.rate("scans of 100 keys from a random key", rounds, start.elapsed());
    let start = Instant::now();
    let rounds = scale.of(200_000);
    for _ in 0..rounds {
        assert!(engine.get(&key(numbers.below(keys))).is_some());
    }
    report.rate("point reads of random keys", rounds, start.elapsed());
    report.memory("after reading");
}
