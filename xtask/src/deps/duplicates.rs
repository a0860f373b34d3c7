//! Crates that the lock file holds in more than one version: a note, not a finding.

use std::collections::BTreeMap;

use super::lockfile::Locked;

/// A line that names the crates with several versions; nothing when there are none.
pub(crate) fn note(locked: &[Locked]) -> Option<String> {
    let mut versions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for package in locked {
        versions.entry(&package.name).or_default().push(package.version.to_string());
    }
    let several: Vec<String> = versions
        .iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, versions)| format!("{name} {}", versions.join("/")))
        .collect();
    (!several.is_empty()).then(|| format!("note: {} crates in several versions: {}", several.len(), several.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deps::lockfile;

    #[test]
    fn several_versions_are_named_once() {
        let text = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\n\
                    [[package]]\nname = \"b\"\nversion = \"1.0.0\"\n";
        let locked = lockfile::parse(text).unwrap();
        assert_eq!(note(&locked).unwrap(), "note: 1 crates in several versions: a 1.0.0/2.0.0");
        assert_eq!(note(&locked[..1]), None);
    }
}
