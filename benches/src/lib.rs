//! What the benchmark programs share: a server process under their control, a client for its API,
//! judged data sets, retrieval metrics, generated text and an open-loop request driver.
//!
//! The programs measure the product from outside, through its binaries and its HTTP API, as a user
//! meets it. Each prints what a person reads and writes the same as JSON below `target/bench`.

pub mod bootstrap;
pub mod client;
pub mod dataset;
pub mod limits;
pub mod metrics;
pub mod open_loop;
pub mod prose;
pub mod push;
pub mod report;
pub mod server;
