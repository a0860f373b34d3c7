//! fake-gcs-server as a child process that ends with the test.

use std::io::{BufRead as _, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;

/// So many lines of what it said are shown when a test fails.
const LINES: usize = 20;

/// A running server that keeps its objects in memory.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    output: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts one on a free port and waits until it takes connections.
    pub(crate) fn start() -> Self {
        let program = std::env::var_os("FAKE_GCS_SERVER").unwrap_or_else(|| {
            panic!("FAKE_GCS_SERVER is not set: run this as `scripts/with_fake_gcs.sh cargo test …`, which fetches the server")
        });
        loop {
            // The server does not say which port it got when it is given 0; another process may take this one first.
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let mut command = Command::new(&program);
            command.args(["-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-port"]);
            let mut child = command
                .arg(address.port().to_string())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap_or_else(|error| panic!("start {}: {error}", program.display()));
            let output = Arc::new(Mutex::new(Vec::new()));
            let (started, has_started) = std::sync::mpsc::channel();
            keep(child.stdout.take().unwrap(), &output, started.clone());
            keep(child.stderr.take().unwrap(), &output, started);
            // Both ends of the channel close with the server's output, which is when it ends.
            if has_started.recv().is_ok() {
                return Self { child, address, output };
            }
            let status = child.wait().unwrap();
            let said = output.lock().join("\n");
            assert!(said.contains("address already in use"), "fake-gcs-server ended with {status}: {said}");
        }
    }
}

/// Keeps what the server says, and tells when it says that it has started.
fn keep(output: impl Read + Send + 'static, into: &Arc<Mutex<Vec<String>>>, started: std::sync::mpsc::Sender<()>) {
    let into = into.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if line.contains("server started at") {
                // Nobody listens any more where another line was the first.
                started.send(()).ok();
            }
            into.lock().push(line);
        }
    });
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            let output = self.output.lock();
            let last = output.len().saturating_sub(LINES);
            eprintln!("fake-gcs-server said at last:\n{}", output[last..].join("\n"));
        }
    }
}
