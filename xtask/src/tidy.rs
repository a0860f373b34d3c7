//! `cargo xtask tidy`: the structural rules that a reader of the code relies on.

mod edges;
mod functions;
mod sources;
mod text;

use anyhow::Result;

use crate::finding::Finding;
use crate::metadata::Metadata;
use crate::repository::Repository;

/// Runs every structural check over the repository.
pub(crate) fn check(repository: &Repository) -> Result<Vec<Finding>> {
    let mut findings = edges::check(&Metadata::read(repository.root())?, repository.root());
    for path in repository.files()? {
        let Some(source) = repository.text(&path)? else {
            continue;
        };
        findings.extend(text::check(&path, &source));
        if path.ends_with(".rs") {
            findings.extend(sources::check(&path, &source));
            findings.extend(functions::check(&path, &source));
        }
    }
    findings.sort();
    findings.dedup();
    Ok(findings)
}
