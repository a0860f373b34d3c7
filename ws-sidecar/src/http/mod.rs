//! HTTP on both sides: handshakes, who may connect, and plain requests to the workspace.

pub(crate) mod answer;
pub(crate) mod dial;
pub(crate) mod extension;
pub(crate) mod handshake;
pub(crate) mod origin;
pub(crate) mod pass;
pub(crate) mod proxy;
pub(crate) mod token;
