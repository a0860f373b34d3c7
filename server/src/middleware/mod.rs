//! What happens around every handler, one concern a file.

pub(crate) mod admission;
pub(crate) mod guard;
pub(crate) mod host;
pub(crate) mod observe;
pub(crate) mod panics;
pub(crate) mod problems;
pub(crate) mod request_id;
