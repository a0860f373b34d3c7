//! Crash safety: a writer process is killed at random moments; what it had acknowledged must be there, whole.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Scale;
use crate::engine::{Change, Kind, Numbers, disk_bytes, key};
use crate::report::Report;

const KILLS: usize = 30;
/// Keys of one transaction: all or none of them may be there.
const PARTS: usize = 8;

pub(crate) fn run(kind: Kind, dir: &Path, scale: Scale, report: &mut Report) {
    let mut numbers = Numbers::new(3);
    let (mut acknowledged, mut lost, mut partial) = (0, 0, 0);
    let mut reopened = Vec::new();
    let mut next = 0;
    for _ in 0..scale.of(KILLS) {
        let delay = Duration::from_millis(50 + numbers.below(450) as u64);
        let seen = write_and_kill(kind, dir, next, delay);
        let start = Instant::now();
        let engine = kind.open(dir);
        reopened.push(start.elapsed());
        acknowledged += seen - next;
        for number in 0..seen + 1 {
            let parts = (0..PARTS).filter(|part| engine.get(&key(number * PARTS + part)).is_some()).count();
            lost += usize::from(number < seen && parts == 0);
            partial += usize::from(parts != 0 && parts != PARTS);
        }
        next = engine.len() / PARTS;
    }
    report.add("kills", scale.of(KILLS) as f64, "");
    report.add("acknowledged transactions", acknowledged as f64, "");
    report.add("lost", lost as f64, "");
    report.add("partial", partial as f64, "");
    report.latencies("open after a kill", reopened);
    report.add("size on disk", disk_bytes(dir) as f64 / 1e6, "MB");
}

/// Runs a writer from transaction `first` on, kills it after `delay`, and answers how many it had acknowledged in all.
fn write_and_kill(kind: Kind, dir: &Path, first: usize, delay: Duration) -> usize {
    let job = format!("{}:{first}:{}", kind.name(), dir.display());
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new(program).args(["--writer", &job]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Wait for the first one, so that the delay is spent in writing.
    let mut seen = lines.next().unwrap().unwrap().parse::<usize>().unwrap();
    let deadline = Instant::now() + delay;
    while Instant::now() < deadline {
        seen = lines.next().unwrap().unwrap().parse().unwrap();
    }
    child.kill().unwrap();
    for line in lines.map_while(Result::ok) {
        seen = line.parse().unwrap_or(seen);
    }
    child.wait().unwrap();
    seen + 1
}

/// The process that is killed: commits transactions one after the other and prints each number once it is durable.
pub(crate) fn writer(job: &str) {
    let mut fields = job.splitn(3, ':');
    let kind = Kind::named(fields.next().unwrap());
    let first: usize = fields.next().unwrap().parse().unwrap();
    let engine = kind.open(Path::new(fields.next().unwrap()));
    let mut numbers = Numbers::new(first as u64);
    let mut out = std::io::stdout();
    for number in first.. {
        let changes: Vec<Change> =
            (0..PARTS).map(|part| (key(number * PARTS + part), Some(numbers.bytes(200)))).collect();
        engine.commit(&changes);
        writeln!(out, "{number}").unwrap();
        out.flush().unwrap();
    }
}
