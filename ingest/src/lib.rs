//! The ingest crate of the Coditect Knowledge Engine.

pub mod client;
pub mod embed;
pub mod split;
pub mod walk;
pub mod wire;
