//! What threads share the index through. The model checker compiles the files that use this with its own kinds (`engine/models`).

pub(super) use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

pub(super) use parking_lot::Mutex;
