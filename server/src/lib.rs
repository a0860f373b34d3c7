//! The gateway: an HTTP API over the knowledge engine, and the binary `coditect-server`.
//!
//! Settings are read whole, then [`Server::start`] opens the store, the embedder and the engine and binds the port;
//! [`Server::run`] serves until it is told to stop.

mod audit;
pub mod commands;
mod connections;
mod cursor;
mod extract;
mod gateway;
mod heads;
pub mod limits;
mod middleware;
mod models;
mod openapi;
mod pipeline;
mod problem;
mod query;
mod quotas;
mod routes;
mod server;
pub mod settings;
mod sign_in;
mod spelling;
mod start;
mod state;
pub mod telemetry;
mod tls;
mod workspaces;

pub use problem::{Code, FieldError, Problem, ProblemBody};
pub use routes::description;
pub use server::Server;
pub use start::StartError;
