//! Numbers of a section: printed as they come, and kept as JSON lines.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::{Duration, Instant};

pub(crate) struct Report {
    engine: String,
    section: String,
    json: Option<File>,
}

impl Report {
    pub(crate) fn new(engine: &str, section: &str, json: Option<String>) -> Self {
        let json = json.map(|path| OpenOptions::new().create(true).append(true).open(path).unwrap());
        Self { engine: engine.to_owned(), section: section.to_owned(), json }
    }

    pub(crate) fn add(&mut self, what: &str, value: f64, unit: &str) {
        println!("{:6} {what:48} {value:>14.1} {unit}", self.engine);
        let (engine, section) = (&self.engine, &self.section);
        if let Some(json) = &mut self.json {
            writeln!(
                json,
                r#"{{"engine":"{engine}","section":"{section}","what":"{what}","value":{value},"unit":"{unit}"}}"#
            )
            .unwrap();
        }
    }

    pub(crate) fn rate(&mut self, what: &str, count: usize, took: Duration) {
        self.add(what, count as f64 / took.as_secs_f64(), "/s");
    }

    /// Median and 99th percentile, in microseconds.
    pub(crate) fn latencies(&mut self, what: &str, mut latencies: Vec<Duration>) {
        latencies.sort_unstable();
        let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
        self.add(&format!("{what} p50"), at(0.5), "us");
        self.add(&format!("{what} p99"), at(0.99), "us");
    }

    pub(crate) fn memory(&mut self, what: &str) {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        for (field, label) in [("RssAnon:", "private memory"), ("VmHWM:", "peak resident memory")] {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
            if let Some(kib) = kib {
                self.add(&format!("{label}, {what}"), kib / 1024.0, "MiB");
            }
        }
    }
}

/// How fast this disk flushes: what all durable numbers stand on.
pub(crate) fn disk() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut file = file.reopen().unwrap();
    let mut latencies: Vec<Duration> = (0..200)
        .map(|_| {
            file.write_all(&[7; 4096]).unwrap();
            let start = Instant::now();
            file.sync_data().unwrap();
            start.elapsed()
        })
        .collect();
    latencies.sort_unstable();
    println!("disk: append of 4 KiB and fdatasync, median {:.0} us", latencies[100].as_secs_f64() * 1e6);
}
