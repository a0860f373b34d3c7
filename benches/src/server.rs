//! A `coditect-server` process under the benchmark's control: started on a free port, waited for
//! until it is ready, stopped by its own process id.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};

use crate::client::Client;
use crate::limits;

/// Folder for what the benchmarks write, relative to the folder they are run in.
pub const OUTPUT: &str = "target/bench";

/// How to start a server.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Program to start.
    pub program: PathBuf,
    /// Where the server keeps its data.
    pub data_dir: PathBuf,
    /// File that the server's output is appended to.
    pub log: PathBuf,
    /// The tenant that a service token is made for before the first start; `None` for clients that sign in by themselves.
    pub tenant: Option<String>,
    /// Settings as `KEY=VALUE`.
    pub settings: Vec<String>,
}

/// The tenant of the benchmarks.
const TENANT: &str = "default";

impl ServerOptions {
    /// The release binary beside the running program, with its log beside the data folder.
    ///
    /// # Errors
    /// When there is no such binary.
    pub fn new(data_dir: &Path) -> Result<Self> {
        let name = data_dir.file_name().context("name the data folder")?.to_string_lossy();
        let log = data_dir.with_file_name(format!("{name}.log"));
        let (program, tenant) = (binary("coditect-server")?, Some(TENANT.to_owned()));
        Ok(Self { program, data_dir: data_dir.to_owned(), log, tenant, settings: Vec::new() })
    }

    /// The service token of these data: made with the server's command before the first start, and kept beside them.
    fn token(&self) -> Result<Option<SecretString>> {
        let Some(tenant) = &self.tenant else { return Ok(None) };
        let file = self.log.with_extension("token");
        if let Ok(token) = std::fs::read_to_string(&file) {
            return Ok(Some(token.trim().into()));
        }
        let scopes = ["--scopes", "kb:read,kb:write"];
        let arguments = ["admin", "token", "--tenant", tenant, "--name", "benchmarks"];
        let token = self.command(&[&arguments[..], &scopes].concat(), "")?;
        std::fs::write(&file, &token).with_context(|| format!("write {}", file.display()))?;
        Ok(Some(token.trim().into()))
    }

    /// Runs a command of the server's program on its data, with a line for its standard input, and answers what it prints. No server may have the data.
    ///
    /// # Errors
    /// When it does not end with success.
    pub fn command(&self, arguments: &[&str], line: &str) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--data-dir").arg(&self.data_dir);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("run {}", self.program.display()))?;
        child
            .stdin
            .take()
            .context("write to the command")?
            .write_all(line.as_bytes())
            .context("write to the command")?;
        let output = child.wait_with_output().context("wait for the command")?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} {}: {error}", self.program.display(), arguments[0]);
        String::from_utf8(output.stdout).context("read what the command printed")
    }
}

/// A running server; dropping it kills the process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    log: PathBuf,
    client: Option<Client>,
    address_file: PathBuf,
    token: Option<SecretString>,
}

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Resident now.
    pub resident: u64,
    /// Resident at the worst.
    pub peak: u64,
}

impl Memory {
    /// That of a process.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn of(process: u32) -> Result<Self> {
        let path = format!("/proc/{process}/status");
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        parse_memory(&text).with_context(|| format!("find VmRSS and VmHWM in {path}"))
    }
}

impl Server {
    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start, exits, or is not ready within [`limits::START`]; the message ends
    /// with the last lines of its log.
    pub async fn start(options: &ServerOptions) -> Result<Self> {
        let mut server = Self::spawn(options)?;
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// Starts a server without waiting for it.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn spawn(options: &ServerOptions) -> Result<Self> {
        std::fs::create_dir_all(&options.data_dir).with_context(|| format!("create {}", options.data_dir.display()))?;
        let token = options.token()?;
        let address_file = options.log.with_extension("address");
        if address_file.exists() {
            std::fs::remove_file(&address_file).context("remove the last address file")?;
        }
        let log = File::options().create(true).append(true).open(&options.log);
        let log = log.with_context(|| format!("open {}", options.log.display()))?;
        let child = Command::new(&options.program)
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&options.data_dir)
            .arg("--address-file")
            .arg(&address_file)
            .args(options.settings.iter().flat_map(|setting| ["--set", setting]))
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("share the log")?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", options.program.display()))?;
        Ok(Self { child, log: options.log.clone(), client: None, address_file, token })
    }

    /// Waits until the server has written its address and says that it is ready.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + limits::START;
        loop {
            if let Some(status) = self.child.try_wait().context("look at the server")? {
                bail!("the server exited while starting: {status}\n{}", self.log_tail());
            }
            self.read_address()?;
            if let Some(client) = &self.client
                && client.is_ready().await
            {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "the server was not ready within {} s\n{}",
                limits::START.as_secs(),
                self.log_tail()
            );
            tokio::time::sleep(limits::POLL).await;
        }
    }

    /// A client for this server.
    ///
    /// # Errors
    /// When the server has not been waited for.
    pub fn client(&self) -> Result<Client> {
        self.client.clone().context("the server is not ready yet")
    }

    /// Resident memory of the process.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn memory(&self) -> Result<Memory> {
        Memory::of(self.child.id())
    }

    /// Processor time that the process has used, in user and system mode together.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn processor_time(&self) -> Result<Duration> {
        let path = format!("/proc/{}/stat", self.child.id());
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        parse_processor_time(&text).with_context(|| format!("find the times in {path}"))
    }

    /// Asks the server to stop and waits for it.
    ///
    /// # Errors
    /// When it does not stop within [`limits::STOP`] or not with success.
    pub async fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("the server's process id")?;
        kill_process(pid, Signal::TERM).context("send SIGTERM to the server")?;
        let status = self.wait(limits::STOP).await?;
        ensure!(status.success(), "the server stopped with {status}\n{}", self.log_tail());
        Ok(())
    }

    /// Kills the server at once, as a crash would.
    ///
    /// # Errors
    /// When it has already exited by itself, or cannot be killed.
    pub fn kill(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait().context("look at the server")? {
            bail!("the server exited by itself: {status}\n{}", self.log_tail());
        }
        self.child.kill().context("kill the server")?;
        self.child.wait().context("wait for the killed server")?;
        Ok(())
    }

    async fn wait(&mut self, time: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + time;
        loop {
            if let Some(status) = self.child.try_wait().context("look at the server")? {
                return Ok(status);
            }
            ensure!(
                Instant::now() < deadline,
                "the server did not stop within {} s\n{}",
                time.as_secs(),
                self.log_tail()
            );
            tokio::time::sleep(limits::POLL).await;
        }
    }

    fn read_address(&mut self) -> Result<()> {
        if self.client.is_some() {
            return Ok(());
        }
        let Ok(text) = std::fs::read_to_string(&self.address_file) else {
            return Ok(());
        };
        // Without its newline the file may still be in the middle of being written.
        let Some(address) = text.strip_suffix('\n').or(complete(&text)) else {
            return Ok(());
        };
        let address = address.trim().trim_start_matches("http://");
        self.client = Some(Client::new(&format!("http://{address}"), self.token.as_ref())?);
        Ok(())
    }

    fn log_tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let start = lines.len().saturating_sub(limits::LOG_TAIL);
        format!("last lines of {}:\n{}", self.log.display(), lines[start..].join("\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Nothing to do about a failure: the process is then out of reach.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Does the work, or gives up when this program is told to stop (SIGINT, SIGTERM): the work is then dropped, and with
/// it a server that it has started.
///
/// # Errors
/// Those of the work, and when the program is told to stop.
pub async fn interruptible<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut terminated = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    tokio::select! {
        result = work => result,
        _ = terminated.recv() => bail!("stopped by SIGTERM"),
        _ = tokio::signal::ctrl_c() => bail!("stopped by Ctrl-C"),
    }
}

/// An address without a newline that parses as a whole.
fn complete(text: &str) -> Option<&str> {
    let address = text.trim_start_matches("http://");
    address.parse::<std::net::SocketAddr>().is_ok().then_some(text)
}

/// A binary of this workspace, built into the same folder as the running program.
///
/// # Errors
/// When there is none.
pub fn binary(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().context("find the running program")?;
    let folder = this.parent().context("find the folder of the running program")?;
    let path = folder.join(name);
    ensure!(
        path.is_file(),
        "{} is missing: build it with `make build`, or `make dist` for the sidecar",
        path.display()
    );
    Ok(path)
}

fn parse_memory(status: &str) -> Option<Memory> {
    let kibibytes = |field: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    Some(Memory { resident: kibibytes("VmRSS:")? * 1024, peak: kibibytes("VmHWM:")? * 1024 })
}

fn parse_processor_time(stat: &str) -> Option<Duration> {
    // The program's name stands in brackets and may hold anything, so count from behind it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    let per_second = rustix::param::clock_ticks_per_second();
    Some(Duration::from_millis(ticks * 1000 / per_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n";
        assert_eq!(parse_memory(status), Some(Memory { resident: 1 << 20, peak: 2 << 20 }));
        assert_eq!(parse_memory("VmRSS: what\n"), None);
    }

    #[test]
    fn processor_time_is_found_behind_an_odd_name() {
        let per_second = rustix::param::clock_ticks_per_second();
        let stat = format!("7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 {per_second} {per_second} 0 0");
        assert_eq!(parse_processor_time(&stat), Some(Duration::from_secs(2)));
    }

    #[test]
    fn an_address_counts_when_it_is_complete() {
        assert_eq!(complete("127.0.0.1:80"), Some("127.0.0.1:80"));
        assert_eq!(complete("127.0.0."), None);
    }

    #[tokio::test]
    async fn a_server_that_exits_is_reported_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let options = ServerOptions {
            program: PathBuf::from("/bin/ls"),
            data_dir: folder.path().join("data"),
            log: folder.path().join("data.log"),
            tenant: None,
            settings: Vec::new(),
        };
        let error = Server::start(&options).await.unwrap_err().to_string();
        assert!(error.contains("exited while starting"), "{error}");
        assert!(error.contains("listen"), "{error}");
    }
}
