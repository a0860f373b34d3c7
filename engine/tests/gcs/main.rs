//! Snapshots in Google Cloud Storage: the engine against fake-gcs-server, with faults on the way between them. Run with `scripts/with_fake_gcs.sh`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../it/answers.rs"]
#[allow(dead_code, reason = "the other tests of the engine use what these do not")]
mod answers;
mod bed;
mod boot;
mod dialect;
mod faults;
#[path = "../it/harness.rs"]
#[allow(dead_code, reason = "the other tests of the engine use what these do not")]
mod harness;
mod http;
mod log;
mod parts;
mod proxy;
mod server;
mod upload;
