//! Extractors whose refusals are problems that name the field.

mod access;
mod json;
mod origin;
mod path;
mod pod;
mod pointer;
mod query;

pub(crate) use access::{Administrator, Known, Reader, SignedIn, Writer};
pub(crate) use json::{Json, ShortJson};
pub(crate) use origin::{From, Peer};
pub(crate) use path::Path;
pub(crate) use pod::AtPod;
pub(crate) use query::Query;
