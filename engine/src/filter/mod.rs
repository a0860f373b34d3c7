//! Metadata filters: a small JSON grammar, and columns of bitmaps that answer it.
//!
//! # Grammar
//!
//! ```text
//! filter     = { key: operand, .. }                  all of them must hold; {} holds always
//! key        = "and" | "or"   operand: [filter, ..]  at least one
//!            | "not"          operand: filter
//!            | field          operand: value         short for { "eq": value }
//!                             or { operator: value, .. }, all of which must hold
//! operator   = eq | ne        a value
//!            | in             a list of values, any of which
//!            | gt | gte | lt | lte   a number, or a string by its code points
//!            | prefix         a string, case-sensitive
//!            | exists         true or false
//! value      = string | number | boolean
//! ```
//!
//! Fields: `document_id`, `kind`, `language`, `title`, `source`, `path` (strings), `created_at`, `updated_at` (RFC 3339 times, compared as
//! instants); every other name is a path into the metadata, `a.b` for a key `b` in the object `a`. `metadata.` in front
//! reaches keys that are named like a built-in field, `and`, `or` or `not`.
//!
//! # Meaning
//!
//! - A condition holds when **any** element of an array satisfies it, also through arrays of objects; each condition looks for
//!   its own element.
//! - Values of different types are never equal and never ordered; numbers are compared exactly (1 equals 1.0).
//! - `ne` and `not` are complements: documents without the field satisfy `ne`, and an array satisfies it when no element is equal.
//! - `null` is the same as no value. An empty list or object exists but has no value.

mod columns;
mod error;
mod grammar;
pub mod limits;
mod value;

pub use columns::{Columns, Fields};
pub use error::FilterError;
pub use grammar::Filter;
