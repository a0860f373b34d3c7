//! The ingest crate of the Coditect Knowledge Engine.
