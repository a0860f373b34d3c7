//! Tests of the store from outside.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod clock;
mod conformance;
mod crash;
mod disk;
mod lease;
mod open;
mod power;
mod smoke;
mod space;
mod support;
