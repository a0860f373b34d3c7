//! Compares the storage engines that the embedded backend could stand on: `cargo bench -p coditect-store --bench engines`.
//!
//! Each section runs in a process of its own, so that memory is that of one engine and one job. `-- --quick` takes a tenth
//! of the time, `-- --json FILE` writes the numbers as JSON lines as well.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark prints, and stops at the first thing that goes wrong"
)]

mod commits;
mod engine;
mod growth;
mod kills;
mod report;
mod scans;

use std::path::Path;
use std::process::Command;

use engine::Kind;
use report::Report;

/// How much work a section does.
#[derive(Clone, Copy)]
pub(crate) struct Scale(f64);

impl Scale {
    pub(crate) fn of(self, full: usize) -> usize {
        ((full as f64 * self.0) as usize).max(1)
    }
}

type Section = fn(Kind, &Path, Scale, &mut Report);

const SECTIONS: &[(&str, Section)] =
    &[("commits", commits::run), ("scans", scans::run), ("growth", growth::run), ("kills", kills::run)];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let scale = Scale(if quick { 0.1 } else { 1.0 });
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    if let Some(job) = after("--writer") {
        return kills::writer(&job);
    }
    let json = after("--json");
    if let Some(job) = after("--section") {
        return section(&job, scale, json);
    }
    report::disk();
    for (name, _) in SECTIONS {
        println!("\n## {name}");
        for kind in Kind::ALL {
            child(&format!("{}:{name}", kind.name()), &arguments[1..]);
        }
    }
}

fn child(job: &str, arguments: &[String]) {
    let program = std::env::current_exe().unwrap();
    let status = Command::new(program).arg("--section").arg(job).args(arguments).status().unwrap();
    assert!(status.success(), "section {job} failed");
}

fn section(job: &str, scale: Scale, json: Option<String>) {
    let (engine, section) = job.split_once(':').unwrap();
    let kind = Kind::named(engine);
    let run = SECTIONS.iter().find(|(name, _)| *name == section).unwrap().1;
    let dir = tempfile::tempdir().unwrap();
    let mut report = Report::new(engine, section, json);
    run(kind, dir.path(), scale, &mut report);
}
