//! Exit codes: what a script can tell from a run.

use std::process::ExitCode;

use crate::push::summary::Ending;

/// Everything went well.
pub(crate) const WELL: u8 = 0;
/// Some documents failed, or a run refused to delete too much.
pub(crate) const FAILED: u8 = 1;
/// Wrong usage, or a server that serves none of our requests.
pub(crate) const USAGE: u8 = 2;
/// The server cannot be reached.
pub(crate) const UNREACHABLE: u8 = 3;

/// The exit code of a run that ended so. `failed` counts documents, `signal` is the exit code of the signal that
/// interrupted it.
pub(crate) fn code(ending: &Ending, failed: u64, signal: u8) -> ExitCode {
    ExitCode::from(match ending {
        Ending::Complete if failed == 0 => WELL,
        Ending::Complete | Ending::Unsafe => FAILED,
        Ending::Interrupted => signal,
        Ending::Refused(_) => USAGE,
        Ending::Unreachable(_) => UNREACHABLE,
    })
}
