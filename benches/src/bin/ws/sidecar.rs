//! A sidecar process with sessions of its own, and users who are logged in.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use coditect_auth::{
    Auth, AuthOptions, Credentials, Granted, HashCost, KeyRing, NewUser, Origin, Registration, Role, SessionDetails,
    UserId,
};
use coditect_benches::limits;
use coditect_benches::server::{Memory, OUTPUT, binary};
use coditect_store::{EmbeddedOptions, Store, TenantId};
use secrecy::ExposeSecret as _;

use crate::client::Way;

/// What tokens of the benchmark are signed with.
pub(crate) const SECRET: &str = "a secret of the benchmark, 32 bytes and more";
const PASSWORD: &str = "correct horse battery";
const EMAIL: &str = "ada@example.com";

/// A running sidecar; dropping it kills the process.
pub(crate) struct Sidecar {
    child: Child,
    pub(crate) way: Way,
}

/// Begins to work on a fresh store in a folder of this name below the output folder.
pub(crate) async fn store(name: &str) -> Result<(Store, PathBuf)> {
    let folder = Path::new(OUTPUT).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    let store = Store::open_embedded(EmbeddedOptions::new(&folder)).await.context("open the store")?;
    Ok((store, folder))
}

/// Sessions on a store, with cheap passwords.
pub(crate) fn auth(store: &Store) -> Result<Auth> {
    let keys = KeyRing::new(&SECRET.into(), &[])?;
    let cost = HashCost { memory_kib: 64, passes: 1, lanes: 1, threads: 1 };
    let options = AuthOptions { cost, registration: Registration::Closed, ..AuthOptions::new(keys) };
    Auth::start(store.clone(), options).context("begin to look up sessions")
}

/// Makes the benchmark's user.
pub(crate) async fn user(auth: &Auth) -> Result<UserId> {
    let new = NewUser { email: EMAIL.into(), password: PASSWORD.into(), name: String::new() };
    let made = auth.operator(&TenantId::new("default")?).create_user(&new, Role::Member).await;
    Ok(made.context("make a user")?.user_id)
}

/// Logs the benchmark's user in.
pub(crate) async fn login(auth: &Auth) -> Result<Granted> {
    let credentials = Credentials { tenant: TenantId::new("default")?, email: EMAIL.into(), password: PASSWORD.into() };
    let origin = Origin { address: None, request_id: "bench".into() };
    auth.login(&credentials, &SessionDetails::default(), &origin).await.context("log in")
}

/// The sidecar as it is shipped, from the folder of this program.
pub(crate) const BINARY: &str = "../dist/coditect-websocket";

impl Sidecar {
    /// Starts a sidecar before a workspace, with a user who is logged in.
    pub(crate) async fn start(name: &str, workspace: SocketAddr, flags: &[&str]) -> Result<Self> {
        let (store, folder) = store(name).await?;
        let auth = auth(&store)?;
        let user = user(&auth).await?;
        let token = login(&auth).await?.token.expose_secret().to_owned();
        auth.stop().await;
        store.close().await.context("close the store")?;
        let (addresses, log) = (folder.with_extension("address"), folder.with_extension("log"));
        let _ = std::fs::remove_file(&addresses);
        let log = File::create(&log).with_context(|| format!("create {}", log.display()))?;
        let child = Command::new(binary(BINARY)?)
            .args(["--listen=127.0.0.1:0", "--ops-listen=127.0.0.1:0", "--workspace=bench", "--log-level=warn"])
            .args(["--user", user.as_str(), "--upstream", &format!("http://{workspace}")])
            .arg("--data-dir")
            .arg(&folder)
            .arg("--address-file")
            .arg(&addresses)
            .args(flags)
            .env("JWT_SECRET", SECRET)
            .env_remove("FDB_CLUSTER_FILE")
            .env_remove("FDB_CLUSTER_STRING")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("start the sidecar")?;
        let mut sidecar = Self { child, way: Way { address: workspace, token: Some(token) } };
        sidecar.way.address = sidecar.wait(&addresses).await?;
        Ok(sidecar)
    }

    async fn wait(&mut self, addresses: &Path) -> Result<SocketAddr> {
        let begun = Instant::now();
        loop {
            if let Ok(text) = std::fs::read_to_string(addresses) {
                return text.lines().next().context("an empty address file")?.parse().context("read the address");
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the sidecar ended while it started: {status}; see its log in {OUTPUT}");
            }
            if begun.elapsed() > Duration::from_secs(30) {
                bail!("the sidecar did not start within 30 s");
            }
            tokio::time::sleep(limits::POLL).await;
        }
    }

    pub(crate) fn memory(&self) -> Result<Memory> {
        Memory::of(self.child.id())
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        // Nothing to do about a failure: the process is then out of reach.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
