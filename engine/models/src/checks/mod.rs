//! The checks.

mod chains;
mod lists;
mod places;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Steps of one order, at most: more are a thread that never ends.
const STEPS: usize = 5_000;

/// What is checked.
#[derive(Clone, Copy)]
struct Check {
    name: &'static str,
    /// Turns taken away from a thread that could go on, at most, in one order; without, every order there is.
    preemptions: Option<usize>,
    check: fn(),
}

impl Check {
    /// In all orders.
    const fn all(name: &'static str, check: fn()) -> Self {
        Self { name, preemptions: None, check }
    }

    /// In those orders in which no more than `most` turns are taken away: most errors need one or two.
    const fn up_to(most: usize, name: &'static str, check: fn()) -> Self {
        Self { name, preemptions: Some(most), check }
    }

    fn run(&self) {
        let orders = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&orders);
        let check = self.check;
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = self.preemptions;
        builder.max_branches = STEPS;
        let start = Instant::now();
        println!("{}", self.name);
        builder.check(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            check();
        });
        println!("    {} orders in {:.1} s", orders.load(Ordering::Relaxed), start.elapsed().as_secs_f64());
    }
}

/// Runs the checks whose names have the command's argument in them, or all; panics when one fails.
pub(crate) fn run() {
    let only = std::env::args().nth(1).unwrap_or_default();
    let all = [chains::ALL, lists::ALL, places::ALL].concat();
    all.iter().filter(|check| check.name.contains(&only)).for_each(Check::run);
    places::were_used_again(&only);
}

/// Runs `read` in a thread of its own while `change` runs. In the first order all changes are made before the first of them is read: reads may
/// then give any value that the memory model allows, also old ones, and other orders are tried from there.
fn beside(change: impl FnOnce(), read: impl FnOnce() + 'static) {
    let reading = loom::thread::spawn(read);
    change();
    reading.join().unwrap();
}
