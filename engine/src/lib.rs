//! The engine crate of the Coditect Knowledge Engine.
