//! Many runs, or one again; what they came to.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Builder;

use crate::generate;
use crate::run::{self, Ran};
use crate::shrink::{TRIES, shrink};
use crate::trace::Trace;
use crate::violation::Violation;

/// A run that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(90);
/// How often a seed is run when it is asked for alone.
const AGAIN: usize = 10;
/// Seeds between two lines that say how far it is.
const LINE_EACH: u64 = 100;

/// A setting of the environment.
pub(crate) fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Runs seeds one after the other. Answers whether one failed.
pub(crate) fn all(first: u64, seeds: u64) -> bool {
    let (mut operations, mut violations) = (0, 0);
    for seed in first..first + seeds {
        let trace = generate::trace(seed);
        let ran = once(&trace);
        operations += ran.operations;
        if ran.violation.is_some() {
            violations += 1;
            report(&trace, &ran);
            report_shrunk(&trace);
        }
        let done = seed + 1 - first;
        if done.is_multiple_of(LINE_EACH) && done < seeds {
            println!("faults: {done} of {seeds} seeds, {operations} operations, {violations} violations so far");
        }
    }
    let verdict = if violations == 0 { "ok" } else { "failed" };
    println!("faults: {verdict}, {seeds} seeds, {operations} operations, {violations} violations");
    violations > 0
}

/// Runs one seed several times, until it fails, and prints its trace.
pub(crate) fn again(seed: u64) -> bool {
    let trace = kept(generate::trace(seed));
    print!("{trace}");
    let mut operations = 0;
    for _ in 0..AGAIN {
        let ran = once(&trace);
        operations += ran.operations;
        if ran.violation.is_some() {
            report(&trace, &ran);
            println!("faults: failed, 1 seeds, {operations} operations, 1 violations");
            return true;
        }
    }
    println!("faults: ok, 1 seeds, {operations} operations, 0 violations");
    false
}

/// The steps that `KEEP` names.
fn kept(trace: Trace) -> Trace {
    let Some(text) = std::env::var("KEEP").ok().filter(|text| !text.is_empty()) else { return trace };
    let kept: Vec<usize> = text.split(',').map(|number| number.trim().parse().unwrap()).collect();
    trace.with(|number| kept.contains(&number))
}

fn report(trace: &Trace, ran: &Ran) {
    let Some((step, violation)) = &ran.violation else { return };
    let last = trace.steps.last().map_or(0, |(number, _)| *number);
    match step {
        0 => println!("violation: seed {}, after step {last}: {violation}", trace.seed),
        step => println!("violation: seed {}, step {step} of {last}: {violation}", trace.seed),
    }
}

fn report_shrunk(trace: &Trace) {
    let shrunk = shrink(trace, |trace| once(trace).violation.is_some());
    print!("{shrunk}");
    match (0..TRIES).map(|_| once(&shrunk)).find(|ran| ran.violation.is_some()) {
        Some(ran) => report(&shrunk, &ran),
        None => println!("  it has passed {TRIES} times since"),
    }
    let kept: Vec<String> = shrunk.steps.iter().map(|(number, _)| number.to_string()).collect();
    println!(
        "again: make test-faults SEED={0}; shrunk: make test-faults SEED={0} KEEP={1}",
        trace.seed,
        kept.join(",")
    );
}

/// Runs a trace once, in a runtime of its own.
fn once(trace: &Trace) -> Ran {
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(8).build().unwrap();
    let step = Arc::new(AtomicUsize::new(0));
    let at = {
        let step = step.clone();
        move |number| step.store(number, Ordering::Relaxed)
    };
    let run = async { tokio::time::timeout(LONGEST, Box::pin(run::run(trace, at))).await };
    let ran = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run)));
    runtime.shutdown_timeout(Duration::from_secs(5));
    let lost = |what: &str| {
        let violation = Violation(what.to_owned());
        Ran { operations: 0, violation: Some((step.load(Ordering::Relaxed), violation)) }
    };
    match ran {
        Ok(Ok(ran)) => ran,
        Ok(Err(_)) => lost("it hangs"),
        Err(_) => lost("something panicked, see above"),
    }
}
