//! Which crate of the workspace may use which, and what the small binaries must not link.

use std::path::Path;

use crate::finding::Finding;
use crate::metadata::{Metadata, Package};

/// A crate and the crates of the workspace that it may use, in any kind of dependency.
const ALLOWED: &[(&str, &[&str])] = &[
    ("coditect-store", &[]),
    // A C library for tests: nothing links it but through FoundationDB's own client library's name.
    ("fdb-standin", &[]),
    ("coditect-engine", &["coditect-store"]),
    ("coditect-models", &[]),
    // Of the store, ingest uses the clock alone: time is injected from one place.
    ("coditect-ingest", &["coditect-store"]),
    ("coditect-auth", &["coditect-store"]),
    ("coditect-websocket", &["coditect-auth", "coditect-store"]),
    ("coditect-workspaces", &["coditect-auth", "coditect-store"]),
    (
        "coditect-server",
        &[
            "coditect-engine",
            "coditect-ingest",
            "coditect-auth",
            "coditect-store",
            "coditect-websocket",
            "coditect-workspaces",
        ],
    ),
    (
        "coditect-benches",
        &[
            "coditect-store",
            "coditect-engine",
            "coditect-ingest",
            "coditect-auth",
            "coditect-server",
            "coditect-websocket",
        ],
    ),
    ("xtask", &[]),
];

/// A crate and what it must not link, by any path.
const NOT_LINKED: &[(&str, &[&str])] =
    &[("coditect-websocket", &["coditect-engine", "tantivy", "candle-core", "ort", "tract-core"])];

/// Checks the edges between the crates of the workspace.
pub(crate) fn check(metadata: &Metadata, root: &Path) -> Vec<Finding> {
    let members: Vec<&Package> = metadata.members().collect();
    let names: Vec<&str> = members.iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in members {
        let manifest = Path::new(&package.manifest_path);
        let path = manifest.strip_prefix(root).unwrap_or(manifest).to_string_lossy().into_owned();
        let used = package.dependencies.iter().map(|it| it.name.as_str()).filter(|name| names.contains(name));
        findings.extend(declared(&package.name, used).into_iter().map(|message| Finding::file(&path, message)));
        let linked = metadata.linked(&package.name);
        findings.extend(
            forbidden(&package.name)
                .filter(|name| linked.contains(name))
                .map(|name| Finding::file(&path, format!("{} must not link {name}", package.name))),
        );
    }
    findings
}

fn declared<'a>(name: &str, used: impl Iterator<Item = &'a str>) -> Vec<String> {
    let Some((_, allowed)) = ALLOWED.iter().find(|(package, _)| *package == name) else {
        return vec![format!("{name} is not in the table of crate edges (xtask/src/tidy/edges.rs)")];
    };
    used.filter(|other| *other != name && !allowed.contains(other))
        .map(|other| format!("{name} must not depend on {other}; it may use: {}", allowed.join(", ")))
        .collect()
}

fn forbidden(name: &str) -> impl Iterator<Item = &'static str> {
    let found = NOT_LINKED.iter().find(|(package, _)| *package == name);
    found.map_or(&[][..], |(_, list)| list).iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_against_the_direction_is_named() {
        let messages = declared("coditect-ingest", ["coditect-engine"].into_iter());
        assert_eq!(messages, ["coditect-ingest must not depend on coditect-engine; it may use: coditect-store"]);
    }

    #[test]
    fn edges_along_the_direction_pass() {
        assert!(declared("coditect-server", ["coditect-engine", "coditect-ingest"].into_iter()).is_empty());
        assert!(declared("coditect-store", std::iter::empty()).is_empty());
    }

    #[test]
    fn a_crate_that_the_table_does_not_know_is_named() {
        assert_eq!(declared("coditect-new", std::iter::empty()).len(), 1);
    }

    #[test]
    fn the_table_has_no_cycle() {
        let position = |name: &str| ALLOWED.iter().position(|(package, _)| *package == name);
        for (name, allowed) in ALLOWED {
            assert!(allowed.iter().all(|other| position(other) < position(name)), "{name}");
        }
    }
}
