//! The data sets: what each is, and how it lies in the cache, made once and then read.
//!
//! A set is a folder with `set.json`, `base.f32`, `queries.f32` (rows of little-endian floats) and the exact nearest
//! [`TRUTH`] of every query, nearest first: `truth.u32` with their rows and `truth.f64` with their distances.

mod fashion;
mod flat;
mod generated;
mod idx;
mod nearest;
mod passages;
mod texts;
mod words;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

pub(crate) use self::flat::{Vectors, read_u32 as read_ids};

/// Neighbours of each query whose true order is kept.
pub(crate) const TRUTH: usize = 100;
/// Seed of everything that is drawn.
pub(crate) const SEED: u64 = 42;
/// Every set, in the order in which a full run takes them.
pub(crate) const NAMES: [&str; 6] =
    ["fashion-mnist", "words", "passages", "generated-10k", "generated-100k", "generated-1m"];

/// How vectors of a set are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Metric {
    /// Squared Euclidean distance.
    L2,
    /// One less the cosine; the vectors are stored with length 1.
    Cosine,
}

/// What `set.json` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Info {
    pub(crate) name: String,
    /// What the vectors are and how they were made.
    pub(crate) made: String,
    pub(crate) metric: Metric,
    pub(crate) dimension: usize,
    /// Vectors to search in.
    pub(crate) rows: usize,
    /// Vectors to search for; none of them is among the others.
    pub(crate) query_rows: usize,
    pub(crate) truth_depth: usize,
    pub(crate) seed: u64,
}

/// A prepared set.
#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) info: Info,
    pub(crate) folder: PathBuf,
}

/// A set that was just made and is not in the cache yet.
#[derive(Debug)]
pub(crate) struct Made {
    made: String,
    metric: Metric,
    base: Vectors,
    queries: Vectors,
}

impl Set {
    /// Opens a set of the cache.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("set.json");
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let info = serde_json::from_str(&text).with_context(|| format!("parse {}", path.display()))?;
        Ok(Self { info, folder: folder.to_owned() })
    }

    /// The vectors to search in.
    pub(crate) fn base(&self) -> Result<Vectors> {
        Vectors::read(&self.folder.join("base.f32"), self.info.dimension, self.info.rows)
    }

    /// The vectors to search for.
    pub(crate) fn queries(&self) -> Result<Vectors> {
        Vectors::read(&self.folder.join("queries.f32"), self.info.dimension, self.info.query_rows)
    }

    /// Rows and distances of the nearest of every query, [`TRUTH`] of each.
    pub(crate) fn truth(&self) -> Result<(Vec<u32>, Vec<f64>)> {
        let ids = flat::read_u32(&self.folder.join("truth.u32"))?;
        let distances = flat::read_f64(&self.folder.join("truth.f64"))?;
        Ok((ids, distances))
    }

    /// Bytes of the vectors to search in.
    pub(crate) fn bytes(&self) -> usize {
        self.info.rows * self.info.dimension * size_of::<f32>()
    }
}

/// Opens a set, making it first where the cache does not hold it.
pub(crate) fn prepare(cache: &Path, name: &str, texts: &[PathBuf]) -> Result<Set> {
    let folder = cache.join("sets").join(name);
    if folder.join("set.json").is_file() {
        return Set::open(&folder);
    }
    let source = cache.join("sources");
    std::fs::create_dir_all(&source).with_context(|| format!("create {}", source.display()))?;
    let made = match name {
        "fashion-mnist" => fashion::make(&source)?,
        "words" => words::make(&source)?,
        "passages" => passages::make(&source, texts)?,
        "generated-10k" => generated::make(10_000),
        "generated-100k" => generated::make(100_000),
        "generated-1m" => generated::make(1_000_000),
        _ => bail!("no set is called {name}; there are {}", NAMES.join(", ")),
    };
    keep(name, made, &folder)
}

/// Puts a set into the cache as a whole: under another name until it is complete.
fn keep(name: &str, made: Made, folder: &Path) -> Result<Set> {
    let part = folder.with_extension("part");
    if part.exists() {
        std::fs::remove_dir_all(&part).context("remove what an interrupted run left")?;
    }
    std::fs::create_dir_all(&part).with_context(|| format!("create {}", part.display()))?;
    let (ids, distances) = nearest::nearest(made.metric, &made.base, &made.queries, TRUTH);
    made.base.write(&part.join("base.f32"))?;
    made.queries.write(&part.join("queries.f32"))?;
    flat::write_u32(&part.join("truth.u32"), &ids)?;
    flat::write_f64(&part.join("truth.f64"), &distances)?;
    let info = Info {
        name: name.to_owned(),
        made: made.made,
        metric: made.metric,
        dimension: made.base.dimension,
        rows: made.base.rows(),
        query_rows: made.queries.rows(),
        truth_depth: TRUTH,
        seed: SEED,
    };
    let text = serde_json::to_string_pretty(&info).context("turn the set's description into JSON")?;
    std::fs::write(part.join("set.json"), text).context("write the set's description")?;
    std::fs::rename(&part, folder).context("move the finished set into place")?;
    Set::open(folder)
}

/// Takes `count` rows out by the seed: the rest is to be searched in, those are to be searched for.
fn hold_out(mut all: Vectors, count: usize) -> (Vectors, Vectors) {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut rows: Vec<usize> = (0..all.rows()).collect();
    for at in 0..count {
        let other = random.random_range(at..rows.len());
        rows.swap(at, other);
    }
    let (taken, rest) = rows.split_at_mut(count);
    rest.sort_unstable();
    let queries = all.pick(taken);
    // In place: a rising list of rows never overwrites one that it still needs.
    all.keep(rest);
    (all, queries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_out_rows_are_no_longer_searched_in() {
        let all = Vectors { dimension: 1, values: (0..20_u8).map(f32::from).collect() };
        let (base, queries) = hold_out(all, 5);
        let mut both = [base.values, queries.values.clone()].concat();
        assert_eq!((both.len(), queries.rows()), (20, 5));
        both.sort_by(f32::total_cmp);
        assert!(both.iter().zip(0..20_u8).all(|(value, at)| *value == f32::from(at)));
    }

    #[test]
    fn a_set_comes_back_from_the_cache() {
        let folder = tempfile::tempdir().unwrap();
        let vectors = |values: &[f32]| Vectors { dimension: 2, values: values.to_vec() };
        let base = vectors(&[0.0, 0.0, 3.0, 4.0, 1.0, 1.0]);
        let made = Made { made: "by hand".into(), metric: Metric::L2, base, queries: vectors(&[3.0, 3.0]) };
        let set = keep("small", made, &folder.path().join("small")).unwrap();
        assert_eq!((set.info.rows, set.info.query_rows, set.bytes()), (3, 1, 24));
        assert_eq!(set.base().unwrap().row(1), [3.0, 4.0]);
        let (ids, distances) = set.truth().unwrap();
        assert_eq!((&ids[..3], &distances[..3]), (&[1, 2, 0][..], &[1.0, 8.0, 18.0][..]));
    }
}
