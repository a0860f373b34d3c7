//! Search: both legs over the collections' views, fusion, folding of copies, and results with checkable citations.

mod fold;
mod fuse;
mod legs;
mod request;
mod results;
mod run;
mod weights;

pub use request::{Mode, SearchRequest, Vector};
pub use results::{AlsoIn, Explanation, LegScore, SearchResponse, SearchResult, Timings};
pub(crate) use run::search;
