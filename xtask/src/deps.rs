//! `cargo xtask deps`: licences, advisories, sources and duplicates of what the product links.
//!
//! Works from the lock file and the manifests that cargo already holds, so it needs no network.
//! `deny.toml` says the same to `cargo deny` for those who have it.

mod advisories;
mod database;
mod duplicates;
mod licences;
mod lockfile;

use std::path::Path;

use anyhow::{Context, Result};

use crate::finding::Finding;
use crate::metadata::Metadata;
use crate::repository::Repository;

/// The file that findings about dependencies point to.
const LOCK_FILE: &str = "Cargo.lock";

/// Runs every check of the dependencies; `advisory_db` is a checkout of the RustSec database.
pub(crate) fn check(repository: &Repository, advisory_db: Option<&Path>) -> Result<Vec<Finding>> {
    let text = repository.text(LOCK_FILE)?.context("read Cargo.lock as text")?;
    let locked = lockfile::parse(&text)?;
    let metadata = Metadata::read(repository.root())?;
    let mut findings = lockfile::check_sources(&locked);
    findings.extend(licences::check(&metadata));
    findings.extend(advisories::check(&locked)?);
    if let Some(folder) = advisory_db {
        findings.extend(database::check(folder, &locked)?);
    }
    if let Some(note) = duplicates::note(&locked) {
        println!("{note}");
    }
    findings.sort();
    findings.dedup();
    Ok(findings)
}
