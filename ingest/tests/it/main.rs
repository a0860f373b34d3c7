//! Splitting and walking, tested through the public interface.

mod decoding;
mod examples;
mod generated;
mod invariants;
mod limits_of_size;
mod messy_tree;
mod pieces;
mod tree_rules;
