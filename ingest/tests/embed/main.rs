//! Tests of the embedders: the local one against the real model, the remote ones against HTTP mocks.

mod local;
mod model;
mod reference;
