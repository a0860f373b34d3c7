//! Reads `Cargo.lock`: which packages at which versions, and where they come from.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::LOCK_FILE;
use crate::finding::Finding;

/// The only place that packages may come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A package that the lock file pins.
#[derive(Debug, Deserialize)]
pub(crate) struct Locked {
    pub(crate) name: String,
    pub(crate) version: semver::Version,
    /// Nothing for the crates of the workspace.
    pub(crate) source: Option<String>,
    pub(crate) checksum: Option<String>,
}

#[derive(Deserialize)]
struct LockFile {
    package: Vec<Locked>,
}

/// Parses the text of a lock file.
pub(crate) fn parse(text: &str) -> Result<Vec<Locked>> {
    let file: LockFile = toml::from_str(text).context("parse Cargo.lock")?;
    Ok(file.package)
}

/// Every package comes from crates.io and carries a checksum.
pub(crate) fn check_sources(locked: &[Locked]) -> Vec<Finding> {
    let outside = locked.iter().filter_map(|package| {
        let source = package.source.as_deref()?;
        let message = if source != REGISTRY {
            format!("comes from {source}, not from crates.io")
        } else if package.checksum.is_none() {
            "has no checksum".to_owned()
        } else {
            return None;
        };
        Some(Finding::file(LOCK_FILE, format!("{} {} {message}", package.name, package.version)))
    });
    outside.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crates_io_with_a_checksum_passes() {
        let text = format!(
            "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"{REGISTRY}\"\nchecksum = \"00\"\n\
             [[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"git+https://example.org/b#1\"\n\
             [[package]]\nname = \"c\"\nversion = \"1.0.0\"\nsource = \"{REGISTRY}\"\n\
             [[package]]\nname = \"d\"\nversion = \"1.0.0\"\n"
        );
        let findings = check_sources(&parse(&text).unwrap());
        let messages: Vec<&str> = findings.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(
            messages,
            ["b 1.0.0 comes from git+https://example.org/b#1, not from crates.io", "c 1.0.0 has no checksum"]
        );
    }
}
