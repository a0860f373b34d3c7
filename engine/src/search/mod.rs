//! Search: both legs over the collections' views, fusion, late interaction, folding of copies, and results with checkable citations.

mod fold;
mod fuse;
mod legs;
mod request;
mod rerank;
mod results;
mod run;
mod weights;

pub use request::{Mode, Rerank, RerankMode, SearchRequest, Vector};
pub use rerank::{Feature, Features, share};
pub use results::{AlsoIn, Explanation, LegScore, SearchResponse, SearchResult, Timings};
pub(crate) use run::search;

pub use crate::tokens::{Evidence, QueryTokens};
