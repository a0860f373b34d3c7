//! Tests of the embedders: the local one against the real model, the remote ones against HTTP mocks.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod http;
mod local;
mod model;
mod model_files;
mod openai;
mod precision;
mod reference;
mod tiny;
mod tokens;
mod vertex;
