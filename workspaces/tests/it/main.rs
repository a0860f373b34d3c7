//! Workspaces as their users and operators see them: on the embedded store, and in a mock of the Kubernetes API that is reached over HTTP.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod api;
mod cluster;
mod crash;
mod harness;
mod idle;
mod isolation;
mod lifecycle;
mod model;
mod several;
mod simulated;
mod templates;
mod tokens;
mod trouble;
mod unknown;
mod watches;
