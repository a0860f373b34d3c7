//! Fashion-MNIST of the Debian package `dataset-fashion-mnist`: pictures of clothes, 28 by 28 grey values.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;

use super::flat::Vectors;
use super::{Made, Metric, idx};
use crate::process::run;

const PACKAGE: &str = "dataset-fashion-mnist";
/// Pictures to search for: the first of the test part.
const QUERIES: usize = 2_000;

/// Fetches the package and reads its pictures.
pub(super) fn make(source: &Path) -> Result<Made> {
    let folder = source.join(PACKAGE).join("usr/share/datasets/fashion-mnist");
    if !folder.is_dir() {
        fetch(source)?;
    }
    let base = pictures(&folder.join("train-images-idx3-ubyte.gz"))?;
    let mut queries = pictures(&folder.join("t10k-images-idx3-ubyte.gz"))?;
    queries.values.truncate(QUERIES * queries.dimension);
    let made = format!(
        "Debian package {PACKAGE}: the 60,000 training pictures; queries are the first {QUERIES} of the test part"
    );
    Ok(Made { made, metric: Metric::L2, base, queries })
}

/// Unpacks the package beside the sets; nothing is installed.
fn fetch(source: &Path) -> Result<()> {
    run(Command::new("apt-get").args(["--quiet", "download", PACKAGE]).current_dir(source))
        .context("fetch the package (apt-get update first where the lists are old)")?;
    let package = package_file(source)?;
    let part = source.join(format!("{PACKAGE}.part"));
    run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&part))?;
    std::fs::rename(&part, source.join(PACKAGE)).context("move the unpacked package into place")
}

fn package_file(source: &Path) -> Result<PathBuf> {
    let mut found = None;
    for entry in std::fs::read_dir(source).context("list what was fetched")? {
        let path = entry.context("list what was fetched")?.path();
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with(PACKAGE) && name.ends_with(".deb") {
            found = Some(path);
        }
    }
    found.context("apt-get left no package")
}

fn pictures(path: &Path) -> Result<Vectors> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let mut bytes = Vec::new();
    GzDecoder::new(file).read_to_end(&mut bytes).with_context(|| format!("unpack {}", path.display()))?;
    idx::images(&bytes).with_context(|| format!("read {}", path.display()))
}
