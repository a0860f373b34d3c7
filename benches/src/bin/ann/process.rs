//! Child processes: tools that fetch, and workers that hold one index each and answer line by line.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::protocol::{Ask, Reply};

/// Runs a tool to its end; its output goes where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().with_context(|| format!("run {name}"))?;
    ensure!(status.success(), "{name} ended with {status}");
    Ok(())
}

/// A worker under our control; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts one.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("start {}", command.get_program().to_string_lossy()))?;
        let to = child.stdin.take();
        let from = child.stdout.take().context("take the worker's output")?;
        Ok(Self { child, to, from: BufReader::new(from) })
    }

    /// Waits for a line that it says unasked or as an answer.
    pub(crate) fn hear(&mut self) -> Result<Reply> {
        let mut line = String::new();
        self.from.read_line(&mut line).context("read the worker's answer")?;
        if line.is_empty() {
            bail!("the worker ended: {}", self.child.wait().context("wait for the worker")?);
        }
        match serde_json::from_str(&line).with_context(|| format!("parse the worker's answer {line:?}"))? {
            Reply::Error { error } => Err(anyhow!(error)),
            reply => Ok(reply),
        }
    }

    /// Asks it to do something and waits until it is done.
    pub(crate) fn ask(&mut self, what: &Ask<'_>) -> Result<Reply> {
        let mut line = serde_json::to_string(what).context("turn the command into JSON")?;
        line.push('\n');
        let to = self.to.as_mut().context("the worker was told to end")?;
        to.write_all(line.as_bytes()).context("write to the worker")?;
        self.hear()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The end of its input is the end of the worker; one that does not listen is stopped.
        drop(self.to.take());
        let mut rest = String::new();
        while self.from.read_line(&mut rest).is_ok_and(|read| read > 0) {
            rest.clear();
        }
        let _ = self.child.wait();
    }
}
