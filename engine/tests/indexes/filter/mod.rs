//! Filters: the grammar's errors, the meaning of each operator, and a naive evaluator to agree with.

mod grammar;
mod meaning;
mod model;
