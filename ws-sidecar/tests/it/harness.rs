//! A sidecar on loopback with its workspace, its sessions, and clients that are a library of others.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use coditect_auth::{
    Acting, Auth, AuthOptions, Credentials, Granted, HashCost, KeyRing, NewUser, Origin, Registration, Role,
    SessionDetails, UserId,
};
use coditect_store::{EmbeddedOptions, Store, TenantId};
use coditect_websocket::{Settings, Sidecar, Source};
use futures::{SinkExt as _, StreamExt as _};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::{Request, Response};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

use crate::workspace::Workspace;

const PASSWORD: &str = "correct horse battery";
/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Rig {
    pub(crate) auth: Auth,
    pub(crate) workspace: Workspace,
    pub(crate) address: SocketAddr,
    pub(crate) ops: SocketAddr,
    pub(crate) user: UserId,
    pub(crate) granted: Granted,
    stop: CancellationToken,
    running: Option<JoinHandle<()>>,
    _dir: TempDir,
}

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With these flags besides those that every test needs.
    pub(crate) async fn with(flags: &[&str]) -> Self {
        Self::through(flags, |store| store).await
    }

    /// With something before the store.
    pub(crate) async fn through(flags: &[&str], wrap: impl FnOnce(Store) -> Store) -> Self {
        let dir = TempDir::new().unwrap();
        let store = Store::open_embedded(EmbeddedOptions::new(dir.path().join("store"))).await.unwrap();
        let store = wrap(store);
        let keys = KeyRing::new(&"a secret of the tests, 32 bytes and more".into(), &[]).unwrap();
        let cost = HashCost { memory_kib: 64, passes: 1, lanes: 1, threads: 2 };
        let auth = Auth::start(
            store.clone(),
            AuthOptions { cost, registration: Registration::Open, ..AuthOptions::new(keys) },
        );
        let auth = auth.unwrap();
        let user = user(&auth, "acme", "ada@example.com", Role::Member).await;
        let granted = login(&auth, "acme", "ada@example.com").await;
        let workspace = Workspace::start().await;
        let settings = settings(&workspace, &user, flags);
        let sidecar = Sidecar::start(settings, Source::Store(auth.clone()), store.clock().clone(), None).await.unwrap();
        let (address, ops, stop) = (sidecar.address(), sidecar.ops_address(), CancellationToken::new());
        let running = tokio::spawn(sidecar.run(stop.clone().cancelled_owned()));
        Self { auth, workspace, address, ops, user, granted, stop, running: Some(running), _dir: dir }
    }

    /// Begins to stop the sidecar.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(&mut self) {
        tokio::time::timeout(PATIENCE, self.running.take().unwrap()).await.unwrap().unwrap();
    }

    pub(crate) fn token(&self) -> String {
        self.granted.token.expose_secret().to_owned()
    }

    pub(crate) async fn acting(&self) -> Acting {
        self.auth.acting(self.auth.authenticate(&self.token()).await.unwrap(), "test")
    }

    pub(crate) fn request(&self, path: &str) -> Request {
        format!("ws://{}{path}", self.address).into_client_request().unwrap()
    }

    /// A request that signs in with the header.
    pub(crate) fn signed(&self, path: &str) -> Request {
        let mut request = self.request(path);
        request.headers_mut().insert("authorization", format!("Bearer {}", self.token()).parse().unwrap());
        request
    }

    /// Waits while the sidecar sends some heartbeats, to this connection and to those that there were.
    pub(crate) async fn beats(&self) {
        let mut idle = self.connect("/deaf").await;
        for _ in 0..10 {
            assert!(idle.next().await.unwrap().unwrap().is_ping());
        }
    }

    pub(crate) async fn connect(&self, path: &str) -> Socket {
        Socket::open(self.signed(path)).await.unwrap()
    }
}

fn settings(workspace: &Workspace, user: &UserId, flags: &[&str]) -> Settings {
    let upstream = format!("http://{}", workspace.address);
    let usual = [
        "coditect-websocket",
        "--listen=127.0.0.1:0",
        "--ops-listen=127.0.0.1:0",
        "--workspace=ws-7",
        "--tenant=acme",
        "--pod-namespace=user-1",
        "--pod-name=workspace-1",
        "--upstream",
        &upstream,
        "--user",
        user.as_str(),
    ];
    let settings = Cli::parse_from(usual.iter().chain(flags)).settings;
    settings.check().unwrap();
    settings
}

pub(crate) async fn user(auth: &Auth, tenant_name: &str, email: &str, role: Role) -> UserId {
    let new = NewUser { email: email.into(), password: PASSWORD.into(), name: String::new() };
    auth.operator(&tenant(tenant_name)).create_user(&new, role).await.unwrap().user_id
}

pub(crate) async fn login(auth: &Auth, tenant_name: &str, email: &str) -> Granted {
    let credentials = Credentials { tenant: tenant(tenant_name), email: email.into(), password: PASSWORD.into() };
    let origin = Origin { address: None, request_id: "test".into() };
    auth.login(&credentials, &SessionDetails::default(), &origin).await.unwrap()
}

/// A client's socket.
pub(crate) struct Socket {
    pub(crate) stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) response: Response,
}

impl Socket {
    pub(crate) async fn open(request: Request) -> Result<Self, tungstenite::Error> {
        let (stream, response) = tokio::time::timeout(PATIENCE, connect_async(request)).await.unwrap()?;
        Ok(Self { stream, response })
    }

    /// The status with which a handshake is refused.
    pub(crate) async fn refused(request: Request) -> (u16, String) {
        match Self::open(request).await {
            Err(tungstenite::Error::Http(response)) => {
                let body = response.body().clone().unwrap_or_default();
                (response.status().as_u16(), String::from_utf8(body).unwrap())
            }
            Ok(_) => panic!("it was let in"),
            Err(other) => panic!("{other:?}"),
        }
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// The next message; pings and pongs count as well.
    pub(crate) async fn next(&mut self) -> Option<Result<Message, tungstenite::Error>> {
        tokio::time::timeout(PATIENCE, self.stream.next()).await.unwrap()
    }

    /// The next text or binary message.
    pub(crate) async fn message(&mut self) -> Message {
        let reading = async {
            loop {
                match self.next().await.unwrap().unwrap() {
                    message if message.is_text() || message.is_binary() => return message,
                    Message::Close(close) => panic!("closed: {close:?}"),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.unwrap()
    }

    pub(crate) async fn text(&mut self) -> String {
        self.message().await.into_text().unwrap().to_string()
    }

    /// The code and reason with which it is closed; messages before it are dropped.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        tokio::time::timeout(PATIENCE, self.wait_for_close()).await.unwrap()
    }

    async fn wait_for_close(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Some(Ok(Message::Close(Some(frame)))) => {
                    // The answer goes out when the end is awaited.
                    while let Some(Ok(_)) = self.next().await {}
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(Message::Close(None))) => return (1005, String::new()),
                Some(Ok(_)) => {}
                Some(Err(error)) => panic!("{error:?}"),
                None => return (1006, String::new()),
            }
        }
    }
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let waited = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, waited).await.is_err() {
        panic!("it did not happen: {what}");
    }
}
