//! What should never be so.

use std::fmt;

use coditect_engine::Error;

/// Something that a client may rely on and that was not so.
#[derive(Debug, Clone)]
pub(crate) struct Violation(pub(crate) String);

/// What a part of a run came to.
pub(crate) type Checked<T = ()> = Result<T, Violation>;

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A violation, unless `holds`.
pub(crate) fn check(holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Violation(what())) }
}

/// An operation that has no reason to fail has failed.
pub(crate) fn failed(what: impl fmt::Display) -> impl FnOnce(Error) -> Violation {
    move |error| Violation(format!("{what} failed: {}", chain(&error)))
}

/// An error with its causes.
pub(crate) fn chain(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(format!("{:?}: {error}", error.kind()), |text, cause| format!("{text}: {cause}"))
}
