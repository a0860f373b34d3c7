//! The files of the repository, as git lists them: tracked ones and new ones that are not ignored.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A checkout and its files.
pub(crate) struct Repository {
    root: PathBuf,
}

impl Repository {
    /// The checkout that cargo runs this crate of. Not the one it was built in: cargo takes what another checkout has built from a shared target folder.
    pub(crate) fn find() -> Result<Self> {
        let package =
            std::env::var_os("CARGO_MANIFEST_DIR").context("find the repository's root: call this as `cargo xtask`")?;
        let root = Path::new(&package).parent().context("find the repository's root")?;
        Ok(Self { root: root.to_owned() })
    }

    /// Absolute path of the root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Paths relative to the root with `/` between folders, sorted; files that were deleted but not
    /// yet committed are left out.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&self.root)
            .output()
            .context("run git ls-files")?;
        ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim());
        let mut files: Vec<String> = output
            .stdout
            .split(|byte| *byte == 0)
            .filter(|path| !path.is_empty())
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .filter(|path| self.root.join(path).is_file())
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// The text of a file, or nothing when it is not UTF-8.
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>> {
        let bytes = std::fs::read(self.root.join(path)).with_context(|| format!("read {path}"))?;
        Ok(String::from_utf8(bytes).ok())
    }
}
