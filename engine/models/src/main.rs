//! Checks the lock-free parts of the vector index in every order in which threads may take turns (`make check-models`).
//!
//! The files of `engine/src/vector` that are lock-free are compiled here as they are, over the atomics of loom, a model checker for the
//! memory model of C11, and over an epoch collector that does the same. Each check is a few operations of the writer beside a search.
#![allow(clippy::print_stdout, reason = "it says on the terminal what was checked")]
#![allow(clippy::unwrap_used, reason = "a check fails by panicking")]

#[cfg(crossbeam_loom)]
mod checks;
#[cfg(crossbeam_loom)]
#[path = "../../src/vector/graph.rs"]
#[allow(dead_code, reason = "searches use more of it")]
mod graph;
#[cfg(crossbeam_loom)]
#[path = "../../src/vector/incoming.rs"]
#[allow(dead_code, reason = "searches use more of it")]
mod incoming;
#[cfg(crossbeam_loom)]
#[path = "../../src/vector/limits.rs"]
#[allow(dead_code, unreachable_pub, reason = "searches use more of it")]
mod limits;
#[cfg(crossbeam_loom)]
#[path = "../../src/vector/points.rs"]
#[allow(dead_code, reason = "searches use more of it")]
mod points;
#[cfg(crossbeam_loom)]
mod rows;
#[cfg(crossbeam_loom)]
#[allow(dead_code, reason = "nothing is compared here")]
mod stand_ins;
#[cfg(crossbeam_loom)]
mod sync;
#[cfg(crossbeam_loom)]
#[path = "../../src/vector/writer.rs"]
#[allow(
    dead_code,
    unused_imports,
    unused_unsafe,
    reason = "searches use more of it; rows of the checker are written without raw memory"
)]
mod writer;

#[cfg(crossbeam_loom)]
use stand_ins::{codes, metric, select};

#[cfg(crossbeam_loom)]
fn main() {
    checks::run();
}

#[cfg(not(crossbeam_loom))]
fn main() {
    println!("`make check-models` builds this with the model checker");
}
