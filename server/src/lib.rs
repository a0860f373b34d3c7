//! The server crate of the Coditect Knowledge Engine.
