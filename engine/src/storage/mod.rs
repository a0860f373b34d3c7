//! How the engine's records lie in the store: keys, value encoding, and values larger than the store allows.

pub(crate) mod keys;
pub(crate) mod parts;
pub(crate) mod record;
mod scan;

pub(crate) use keys::{Keys, TenantKeys};
pub(crate) use scan::Scan;
