//! The project's own list of crates that it must not link: advised against, or a second copy of
//! something that it has already. Checked without the network; `--advisory-db` checks all of RustSec.

use anyhow::{Context, Result};
use semver::VersionReq;
use serde::Deserialize;

use super::LOCK_FILE;
use super::lockfile::Locked;
use crate::finding::Finding;

/// The list itself.
const LIST: &str = include_str!("../../banned.toml");

#[derive(Deserialize)]
struct List {
    banned: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    name: String,
    versions: VersionReq,
    reason: String,
}

/// Checks the pinned packages against the list.
pub(crate) fn check(locked: &[Locked]) -> Result<Vec<Finding>> {
    let list: List = toml::from_str(LIST).context("parse xtask/banned.toml")?;
    Ok(matches(&list, locked))
}

fn matches(list: &List, locked: &[Locked]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in locked {
        let banned = list.banned.iter().filter(|it| it.name == package.name && it.versions.matches(&package.version));
        findings.extend(banned.map(|it| {
            Finding::file(LOCK_FILE, format!("{} {} is banned: {}", package.name, package.version, it.reason))
        }));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(name: &str, version: &str) -> Locked {
        Locked { name: name.to_owned(), version: version.parse().unwrap(), source: None, checksum: None }
    }

    #[test]
    fn the_list_parses_and_finds_by_version() {
        let found = check(&[locked("rsa", "0.9.8"), locked("serde", "1.0.0")]).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("RUSTSEC-2023-0071"));
    }

    #[test]
    fn a_version_outside_the_range_passes() {
        let list: List = toml::from_str("[[banned]]\nname = \"a\"\nversions = \"<1.2.3\"\nreason = \"old\"\n").unwrap();
        assert_eq!(matches(&list, &[locked("a", "1.2.2")]).len(), 1);
        assert!(matches(&list, &[locked("a", "1.2.3")]).is_empty());
    }
}
