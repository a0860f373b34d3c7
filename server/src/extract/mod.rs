//! Extractors whose refusals are problems that name the field.

mod json;
mod path;
mod pointer;
mod query;

pub(crate) use json::Json;
pub(crate) use path::Path;
pub(crate) use query::Query;
