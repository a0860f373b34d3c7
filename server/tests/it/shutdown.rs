//! The binary as a process: its address file, and how it stops.

use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::embedder::{GATED, MockEmbedder};
use crate::faults::{binary, outcome, with_mock};
use crate::harness::{PATIENCE, TENANT};

/// A server process; killed with the test if it is still there.
pub(crate) struct Process {
    child: Child,
    pub(crate) url: String,
    log: PathBuf,
}

/// How everything begins that must not be in a log: tokens of all kinds, hashes of passwords.
const SECRETS: [&str; 6] =
    ["coditect_token_", "coditect_refresh_", "coditect_invitation_", "eyJ", "$argon2", "Bearer "];

impl Process {
    pub(crate) async fn start(embedder: &MockEmbedder, data: &Path) -> Self {
        Self::start_logging(embedder, data, &data.with_extension("log")).await
    }

    /// With everything that can be logged in a file.
    pub(crate) async fn start_logging(embedder: &MockEmbedder, data: &Path, log: &Path) -> Self {
        let address_file: PathBuf = data.with_extension("address");
        // An earlier process on the same data may have left its own.
        let _ = std::fs::remove_file(&address_file);
        let mut command = binary();
        with_mock(&mut command, embedder, data);
        command
            .arg("--address-file")
            .arg(&address_file)
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(log).unwrap());
        command.args(["--log-level", "trace"]);
        let mut child = command.spawn().unwrap();
        let address = async {
            loop {
                if let Ok(text) = std::fs::read_to_string(&address_file) {
                    break text.trim().to_owned();
                }
                assert!(child.try_wait().unwrap().is_none(), "the server ended while starting");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let address = tokio::time::timeout(PATIENCE, address).await.expect("no address");
        Self { child, url: format!("http://{address}"), log: log.to_owned() }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    async fn wait(mut self) -> ExitStatus {
        let ended = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    break status;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.expect("the server does not stop")
    }

    pub(crate) async fn terminate(self) {
        self.signal(Signal::TERM);
        assert_eq!(self.wait().await.code(), Some(0));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already when the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap();
            let told = SECRETS.iter().find(|secret| log.contains(**secret));
            assert!(told.is_none(), "{told:?} is in the log:\n{log}");
        }
    }
}

/// A new service token, made as an operator does it: with a command, while no server has the data.
pub(crate) async fn service_token(data: &Path) -> String {
    let mut command = binary();
    command.args(["admin", "token", "--tenant", TENANT, "--name", "test"]).arg("--data-dir").arg(data);
    let (code, token, error) = outcome(command).await;
    assert_eq!(code, Some(0), "{error}");
    token.trim().to_owned()
}

async fn post(url: &str, token: &str, body: &Value) -> reqwest::Result<(u16, Value)> {
    let response = reqwest::Client::new().post(url).bearer_auth(token).json(body).send().await?;
    Ok((response.status().as_u16(), response.json().await?))
}

#[tokio::test]
async fn signals_let_requests_finish_and_lose_nothing() {
    let embedder = MockEmbedder::start().await;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let token = service_token(&data).await;
    for (round, signal) in [Signal::TERM, Signal::INT].into_iter().enumerate() {
        let process = Process::start(&embedder, &data).await;
        let url = process.url.clone();
        let before = embedder.seen().0;
        let id = format!("{round}.md");
        let body = json!({"collection": "docs", "document_id": id, "text": format!("A {GATED} text, round {round}.")});
        let write = tokio::spawn({
            let (url, token) = (format!("{url}/documents"), token.clone());
            async move { post(&url, &token, &body).await }
        });
        // The write is under way: its text has reached the embedder. (The gate stays open after the first round.)
        let under_way = async {
            while embedder.seen().0 == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, under_way).await.unwrap();
        process.signal(signal);
        let refused = async {
            while reqwest::get(format!("{url}/healthz")).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, refused).await.expect("new connections are still accepted");
        embedder.open_gate();
        let (status, answer) = write.await.unwrap().unwrap();
        assert_eq!((status, &answer["status"]), (201, &json!("created")));
        assert_eq!(process.wait().await.code(), Some(0));
    }
    let process = Process::start(&embedder, &data).await;
    let (_, listed) = {
        let request =
            reqwest::Client::new().get(format!("{}/documents?collection=docs", process.url)).bearer_auth(token);
        let response = request.send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    assert_eq!(listed["documents"].as_array().unwrap().len(), 2);
    process.terminate().await;
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_stop() {
    let embedder = MockEmbedder::start().await;
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(&embedder, &dir.path().join("data")).await;
    let address = process.url.trim_start_matches("http://").to_owned();
    let idle = std::net::TcpStream::connect(&address).unwrap();
    let client = reqwest::Client::new();
    client.get(format!("{}/healthz", process.url)).send().await.unwrap().bytes().await.unwrap();
    process.signal(Signal::TERM);
    let status =
        tokio::time::timeout(Duration::from_secs(10), process.wait()).await.expect("idle connections hold it up");
    assert_eq!(status.code(), Some(0));
    drop(idle);
}
