//! The keyword index: what is found, how it ranks, and that commits, deletes and merges change nothing about it.

mod commits;
mod data;
mod found;
mod ghosts;
mod highlight;
mod model;
