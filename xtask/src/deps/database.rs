//! Reads a checkout of the RustSec advisory database and matches it against the lock file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use semver::VersionReq;
use serde::Deserialize;

use super::LOCK_FILE;
use super::lockfile::Locked;
use crate::finding::Finding;

#[derive(Debug, Deserialize)]
struct Entry {
    advisory: Advisory,
    #[serde(default)]
    versions: Versions,
}

#[derive(Debug, Deserialize)]
struct Advisory {
    id: String,
    package: String,
    /// `unmaintained`, `unsound` or `notice` where it is no vulnerability.
    informational: Option<String>,
    withdrawn: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Versions {
    #[serde(default)]
    patched: Vec<VersionReq>,
    #[serde(default)]
    unaffected: Vec<VersionReq>,
}

/// Every advisory in `folder` that concerns a pinned version. Notes on maintenance are left out.
pub(crate) fn check(folder: &Path, locked: &[Locked]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for package in locked.iter().filter(|package| package.source.is_some()) {
        for path in advisories_of(folder, &package.name)? {
            let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            let entry = parse(&text).with_context(|| format!("parse {}", path.display()))?;
            findings.extend(matches(&entry, package));
        }
    }
    Ok(findings)
}

fn advisories_of(folder: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let crates = folder.join("crates");
    anyhow::ensure!(crates.is_dir(), "{} is not a checkout of the advisory database", folder.display());
    let Ok(listing) = std::fs::read_dir(crates.join(name)) else {
        return Ok(Vec::new());
    };
    let mut paths = Vec::new();
    for entry in listing {
        let path = entry.context("list advisories")?.path();
        if path.extension().is_some_and(|it| it == "md") {
            paths.push(path);
        }
    }
    Ok(paths)
}

/// The TOML block that opens an advisory.
fn parse(text: &str) -> Result<Entry> {
    let block = text.split("```toml").nth(1).and_then(|rest| rest.split("```").next());
    toml::from_str(block.context("find the toml block")?).context("read the toml block")
}

fn matches(entry: &Entry, package: &Locked) -> Option<Finding> {
    let advisory = &entry.advisory;
    let safe = entry.versions.patched.iter().chain(&entry.versions.unaffected);
    let ignored = advisory.withdrawn.is_some() || advisory.informational.as_deref() == Some("unmaintained");
    if ignored || advisory.package != package.name || safe.into_iter().any(|it| it.matches(&package.version)) {
        return None;
    }
    let kind = advisory.informational.as_deref().unwrap_or("vulnerability");
    let message = format!("{} {}: {} ({kind})", package.name, package.version, advisory.id);
    Some(Finding::file(LOCK_FILE, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADVISORY: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2020-0001\"\npackage = \"a\"\n\n[versions]\n\
                            patched = [\">= 1.2.3\"]\nunaffected = [\"< 1.0.0\"]\n```\n\n# Title\n";

    fn found(version: &str) -> bool {
        let package = Locked {
            name: "a".to_owned(),
            version: version.parse().unwrap(),
            source: Some("registry".to_owned()),
            checksum: None,
        };
        matches(&parse(ADVISORY).unwrap(), &package).is_some()
    }

    #[test]
    fn patched_and_unaffected_versions_pass() {
        assert!(found("1.1.0"));
        assert!(!found("1.2.3"));
        assert!(!found("0.9.0"));
    }

    #[test]
    fn a_folder_of_advisories_is_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("crates/a")).unwrap();
        std::fs::write(folder.path().join("crates/a/RUSTSEC-2020-0001.md"), ADVISORY).unwrap();
        let locked =
            super::super::lockfile::parse("[[package]]\nname = \"a\"\nversion = \"1.1.0\"\nsource = \"registry\"\n");
        let findings = check(folder.path(), &locked.unwrap()).unwrap();
        assert_eq!(findings[0].message, "a 1.1.0: RUSTSEC-2020-0001 (vulnerability)");
    }
}
