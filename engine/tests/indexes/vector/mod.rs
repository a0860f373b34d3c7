//! The vector index against brute force.

mod churn;
mod data;
mod filtered;
mod model;
mod quantization;
mod recall;
mod refuse;
mod threads;
