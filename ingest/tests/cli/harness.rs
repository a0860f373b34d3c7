//! Trees on disk, and the command as a child process.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A tree of documents in a temporary folder.
pub(crate) struct Tree(TempDir);

impl Tree {
    /// A tree with these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(TempDir::new().unwrap());
        for (path, text) in files {
            tree.write(path, text);
        }
        tree
    }

    /// Its folder.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file as editors do: beside its place, then into it.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Removes a file.
    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.path().join(path)).unwrap();
    }
}

/// What a run of the command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Ran {
    /// The JSON object on the last line of standard output.
    pub(crate) fn json(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A number of the summary.
    pub(crate) fn number(&self, field: &str) -> u64 {
        self.json()[field].as_u64().unwrap_or_else(|| panic!("no {field}: {self:?}"))
    }

    /// Several numbers of the summary.
    pub(crate) fn numbers<const N: usize>(&self, fields: [&str; N]) -> [u64; N] {
        fields.map(|field| self.number(field))
    }
}

/// The command, without the caller's settings.
pub(crate) fn command(arguments: &[&str]) -> Command {
    with_settings(Command::new(env!("CARGO_BIN_EXE_coditect-ingest")), arguments)
}

/// The same, subject to permissions even where the tests run as the superuser, who otherwise reads everything.
#[cfg(unix)]
pub(crate) fn ordinary(arguments: &[&str]) -> Command {
    if !rustix::process::geteuid().is_root() {
        return command(arguments);
    }
    let mut ordinary = Command::new("setpriv");
    ordinary.args(["--bounding-set=-dac_override,-dac_read_search", env!("CARGO_BIN_EXE_coditect-ingest")]);
    with_settings(ordinary, arguments)
}

fn with_settings(mut command: Command, arguments: &[&str]) -> Command {
    for setting in ["SERVER", "TOKEN", "COLLECTION"] {
        command.env_remove(format!("CODITECT_{setting}"));
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The arguments of `verb` on `tree`, in collection `c`, with JSON.
pub(crate) fn arguments<'a>(verb: &'a str, tree: &'a Path, url: &'a str) -> Vec<&'a str> {
    let path = tree.to_str().unwrap();
    vec![verb, path, "--server", url, "--collection", "c", "--json"]
}

/// Runs `verb` on `tree` with more arguments.
pub(crate) async fn run(verb: &str, tree: &Tree, url: &str, more: &[&str]) -> Ran {
    let mut all = arguments(verb, tree.path(), url);
    all.extend(more);
    finish(command(&all).spawn().unwrap()).await
}

/// Waits for the end of a run.
pub(crate) async fn finish(child: Child) -> Ran {
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await;
    let output = output.unwrap().unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A run that ends when the test does.
pub(crate) struct Background(Option<Child>);

impl Background {
    /// Begins a run.
    pub(crate) fn start(verb: &str, tree: &Tree, url: &str, more: &[&str]) -> Self {
        Self::start_at(verb, tree.path().to_str().unwrap(), url, more)
    }

    /// The same for any path.
    pub(crate) fn start_at(verb: &str, path: &str, url: &str, more: &[&str]) -> Self {
        let mut all = arguments(verb, Path::new(path), url);
        all.extend(more);
        Self(Some(command(&all).spawn().unwrap()))
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.0.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) async fn finish(mut self) -> Ran {
        finish(self.0.take().unwrap()).await
    }

    /// Reads standard error until a line has `text` in it.
    pub(crate) async fn until_says(&mut self, text: &'static str) {
        let mut stderr = self.0.as_mut().unwrap().stderr.take().unwrap();
        let read = tokio::task::spawn_blocking(move || {
            let (mut all, mut byte) = (Vec::new(), [0]);
            while !String::from_utf8_lossy(&all).contains(text) {
                let count = stderr.read(&mut byte).unwrap();
                assert!(count > 0, "ended: {}", String::from_utf8_lossy(&all));
                all.push(byte[0]);
            }
            stderr
        });
        self.0.as_mut().unwrap().stderr = Some(read.await.unwrap());
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
