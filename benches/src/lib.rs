//! The benches crate of the Coditect Knowledge Engine.
