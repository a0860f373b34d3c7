//! Late interaction: the token codes of a collection's passages by slot, how rare each token is, how well the tokens of a query
//! meet a passage's, and which of its lines they meet.
//!
//! MaxSim (Khattab and Zaharia: "ColBERT", SIGIR 2020) over the token vectors that the embedding model computes anyway. The
//! codes lie in mapped files without names, so that they take no memory that is needed otherwise and leave nothing behind.

mod evidence;
mod image;
mod index;
mod query;
mod score;
mod statistics;
mod table;

pub use evidence::Evidence;
pub(crate) use evidence::find as find_evidence;
pub(crate) use index::TokenIndex;
pub use query::QueryTokens;
pub(crate) use query::WeightedQuery;
pub(crate) use score::{Scorer, TokenScore};
