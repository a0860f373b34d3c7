//! Which licences the dependencies may have.

use spdx::{Expression, ParseMode};

use super::LOCK_FILE;
use crate::finding::Finding;
use crate::metadata::{Metadata, Package};

/// Licences that an Apache-2.0 product may link: permissive ones, and MPL-2.0, whose reach ends at
/// its own files. Keep in step with `deny.toml`.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "bzip2-1.0.6",
];

/// Additions to a licence that only give more rights.
const ALLOWED_EXCEPTIONS: &[&str] = &["LLVM-exception"];

/// Checks the licence of every package of the build.
pub(crate) fn check(metadata: &Metadata) -> Vec<Finding> {
    metadata.packages.iter().filter_map(|package| problem(package).map(|it| Finding::file(LOCK_FILE, it))).collect()
}

fn problem(package: &Package) -> Option<String> {
    let name = format!("{} {}", package.name, package.version);
    let Some(licence) = &package.license else {
        return Some(format!("{name} names no licence"));
    };
    match allowed(licence) {
        Ok(true) => None,
        Ok(false) => Some(format!("{name} is under {licence}, which is not on the list of allowed licences")),
        Err(error) => Some(format!("{name} has a licence that is not SPDX: {error}")),
    }
}

/// Whether the list satisfies the expression; `MIT/Apache-2.0` counts as `MIT OR Apache-2.0`.
fn allowed(expression: &str) -> Result<bool, String> {
    let parsed = Expression::parse_mode(expression, ParseMode::LAX).map_err(|error| error.reason.to_string())?;
    Ok(parsed.evaluate(|requirement| {
        let text = requirement.to_string();
        match text.split_once(" WITH ") {
            Some((licence, exception)) => ALLOWED.contains(&licence) && ALLOWED_EXCEPTIONS.contains(&exception),
            None => ALLOWED.contains(&text.as_str()),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_allowed_alternative_is_enough() {
        assert_eq!(allowed("MIT OR GPL-3.0-only"), Ok(true));
        assert_eq!(allowed("MIT/Apache-2.0"), Ok(true));
        assert_eq!(allowed("Apache-2.0 WITH LLVM-exception"), Ok(true));
    }

    #[test]
    fn all_joined_licences_must_be_allowed() {
        assert_eq!(allowed("MIT AND Unicode-3.0"), Ok(true));
        assert_eq!(allowed("MIT AND AGPL-3.0-only"), Ok(false));
        assert_eq!(allowed("GPL-2.0-only WITH Classpath-exception-2.0"), Ok(false));
    }

    #[test]
    fn what_is_not_spdx_is_an_error() {
        assert!(allowed("see the website").is_err());
    }
}
