//! Tests of the store from outside.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod conformance;
mod smoke;
mod support;
