//! The store crate of the Coditect Knowledge Engine.
