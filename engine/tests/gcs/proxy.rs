//! What stands between the engine and the server: passes requests on, does to them what the rules say, and remembers them.

use std::io::Result;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::dialect::{self, Uploads};
use crate::faults::{Fault, Rule};
use crate::http::{self, Message};

/// A request that came, and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// The path and the query, decoded.
    pub(crate) path: String,
    pub(crate) fault: Option<Fault>,
    /// The status of the bucket's answer.
    pub(crate) status: Option<u16>,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    server: SocketAddr,
    uploads: Uploads,
    rules: Mutex<Vec<Rule>>,
    seen: Mutex<Vec<Seen>>,
}

impl Proxy {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (uploads, rules, seen) = Default::default();
        let state = Arc::new(State { server, uploads, rules, seen });
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = shared.clone();
                // What fails here is a client that went away, which clients may.
                tokio::spawn(async move { state.serve(BufReader::new(stream)).await.ok() });
            }
        });
        Self { address, state, task }
    }

    /// Has a fault happen from now on.
    pub(crate) fn break_by(&self, rule: Rule) {
        self.state.rules.lock().push(rule);
    }

    /// Lets everything pass again.
    pub(crate) fn heal(&self) {
        self.state.rules.lock().clear();
    }

    /// The requests so far, by the order in which they ended.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().clone()
    }

    /// Multipart uploads that have neither been completed nor aborted.
    pub(crate) fn open_uploads(&self) -> usize {
        self.state.uploads.open()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    async fn serve(&self, mut stream: BufReader<TcpStream>) -> Result<()> {
        let Some(mut request) = http::read_head(&mut stream).await? else { return Ok(()) };
        let method = request.method().to_owned();
        let path = percent_encoding::percent_decode_str(request.target()).decode_utf8_lossy().into_owned();
        let fault = self.rules.lock().iter_mut().find_map(|rule| rule.apply(&method, &path));
        let length = http::length(&request);
        request.body = vec![0; if fault == Some(Fault::CutUpload) { length / 2 } else { length }];
        stream.read_exact(&mut request.body).await?;
        let answer = match fault {
            Some(Fault::CutUpload | Fault::Silence) => None,
            Some(Fault::Status(status)) => Some(Message::answer(status, "as the test has it")),
            _ => Some(dialect::answer(self.server, &self.uploads, &request).await?),
        };
        let reached = !matches!(fault, Some(Fault::Status(_)));
        let status = answer.as_ref().filter(|_| reached).map(Message::status);
        self.seen.lock().push(Seen { method, path, fault, status });
        deliver(stream, answer, fault).await
    }
}

/// Gives the client what is left of an answer.
async fn deliver(mut stream: BufReader<TcpStream>, answer: Option<Message>, fault: Option<Fault>) -> Result<()> {
    let Some(mut answer) = answer else {
        return match fault {
            Some(Fault::CutUpload) => stream.get_ref().set_zero_linger(),
            // Until the client goes.
            _ => stream.read_to_end(&mut Vec::new()).await.map(drop),
        };
    };
    let half = answer.body.len() / 2;
    match fault {
        Some(Fault::Flip) => answer.body[half] ^= 1,
        Some(Fault::Truncate) => answer.set_body(answer.body[..half].to_vec()),
        _ => {}
    }
    stream.write_all(&answer.head()).await?;
    if fault == Some(Fault::CutDownload) {
        stream.write_all(&answer.body[..half]).await?;
        return stream.get_ref().set_zero_linger();
    }
    stream.write_all(&answer.body).await?;
    stream.shutdown().await
}
