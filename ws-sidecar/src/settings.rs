//! How the sidecar is set up: flags over environment over defaults, all read before a port is bound.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory as _, FromArgMatches as _};
use coditect_auth::{UserId, WorkspaceId};
use coditect_store::TenantId;
use secrecy::SecretString;
use url::Url;

/// Everything that can be set.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Address that clients connect to; port 0 takes a free one.
    #[arg(long, env = "CODITECT_WS_LISTEN", default_value = "0.0.0.0:8765", value_name = "HOST:PORT")]
    pub listen: SocketAddr,
    /// Address of /healthz, /readyz and /metrics.
    #[arg(long, env = "CODITECT_WS_OPS_LISTEN", default_value = "0.0.0.0:8766", value_name = "HOST:PORT")]
    pub ops_listen: SocketAddr,
    /// File that both addresses are written to, a line each, once the sidecar listens.
    #[arg(long, env = "CODITECT_WS_ADDRESS_FILE", value_name = "FILE")]
    pub address_file: Option<PathBuf>,
    /// Proxies in front of the sidecar that add to x-forwarded-for, the gateway among them: the registry says of connections what the outermost of them saw.
    #[arg(long, env = "CODITECT_WS_PROXIES", default_value_t = 0, value_name = "COUNT")]
    pub proxies: usize,
    /// The workspace beside the sidecar.
    #[arg(long, env = "CODITECT_WS_UPSTREAM", default_value = "http://127.0.0.1:3000", value_parser = upstream, value_name = "URL")]
    pub upstream: Url,

    /// Which workspace it is.
    #[command(flatten)]
    pub place: Place,
    /// Where sessions are looked up.
    #[command(flatten)]
    pub sessions: Sessions,
    /// What is let through.
    #[command(flatten)]
    pub allowed: Allowed,
    /// How much there may be.
    #[command(flatten)]
    pub bounds: Bounds,
    /// How long things may take.
    #[command(flatten)]
    pub times: Times,
    /// What is logged.
    #[command(flatten)]
    pub log: Log,
}

/// Which workspace it is, and where.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// The workspace's id.
    #[arg(long, env = "CODITECT_WORKSPACE_ID", value_parser = |text: &str| WorkspaceId::new(text), value_name = "ID")]
    pub workspace: WorkspaceId,
    /// The tenant of the workspace's user.
    #[arg(long, env = "CODITECT_WORKSPACE_TENANT", default_value = "default", value_parser = |text: &str| TenantId::new(text), value_name = "TENANT")]
    pub tenant: TenantId,
    /// Whose workspace it is: nobody else gets in.
    #[arg(long, env = "CODITECT_WORKSPACE_USER", value_parser = |text: &str| UserId::new(text), value_name = "USER")]
    pub user: UserId,
    /// Namespace of the pod.
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE")]
    pub pod_namespace: Option<String>,
    /// Name of the pod.
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub pod_name: Option<String>,
    /// Address at which the gateway reaches the pod; that of --listen when unset.
    #[arg(long, env = "POD_IP", value_name = "IP")]
    pub pod_ip: Option<std::net::IpAddr>,
}

/// Where sessions are looked up.
#[derive(Debug, Clone, Args)]
pub struct Sessions {
    /// What tokens are signed with, at least 32 bytes.
    #[arg(long, env = "JWT_SECRET", hide_env_values = true, value_parser = secret, value_name = "SECRET")]
    pub jwt_secret: Option<SecretString>,
    /// Earlier secrets, with commas.
    #[arg(long, env = "JWT_PREVIOUS_SECRETS", hide_env_values = true, value_delimiter = ',', value_parser = secret, value_name = "SECRETS")]
    pub jwt_previous_secrets: Vec<SecretString>,
    /// Who makes tokens (claim iss).
    #[arg(long, env = "CODITECT_AUTH_ISSUER", default_value = "coditect", value_name = "NAME")]
    pub issuer: String,
    /// Whom tokens are made for (claim aud).
    #[arg(long, env = "CODITECT_AUTH_AUDIENCE", value_name = "NAME")]
    pub audience: Option<String>,
    /// Content of a FoundationDB cluster file.
    #[arg(long, env = "FDB_CLUSTER_STRING", hide_env_values = true, value_name = "STRING")]
    pub fdb_cluster_string: Option<String>,
    /// A FoundationDB cluster file.
    #[arg(long, env = "FDB_CLUSTER_FILE", value_name = "FILE")]
    pub fdb_cluster_file: Option<PathBuf>,
    /// The gateway, for a sidecar that must hold neither JWT_SECRET nor a cluster file: sessions are looked up there.
    #[arg(long, env = "CODITECT_WS_GATEWAY", value_parser = gateway, value_name = "URL")]
    pub gateway: Option<Url>,
    /// File with the token of this pod, which the gateway made. It is read anew for each question.
    #[arg(long, env = "CODITECT_WS_GATEWAY_TOKEN_FILE", value_name = "FILE")]
    pub gateway_token_file: Option<PathBuf>,
    /// File with the certificates of who may sign the gateway's, as PEM; needed for https.
    #[arg(long, env = "CODITECT_WS_GATEWAY_CA_FILE", value_name = "FILE")]
    pub gateway_ca_file: Option<PathBuf>,
    /// Folder of an embedded store, which no other process may have open: for trying the sidecar without a cluster.
    #[arg(long, env = "CODITECT_WS_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
}

/// What is let through.
#[derive(Debug, Clone, Args)]
pub struct Allowed {
    /// Origins of pages that may connect, as https://ide.example.com, with commas; * for all. Clients that send no origin are no pages.
    #[arg(long, env = "CODITECT_WS_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    pub origins: Vec<String>,
    /// Paths that are passed on, and all below them.
    #[arg(long, env = "CODITECT_WS_PATHS", value_delimiter = ',', default_value = "/", value_name = "PATHS")]
    pub paths: Vec<String>,
    /// Parameters of the query that are passed on; * for all but tokens.
    #[arg(long, env = "CODITECT_WS_QUERY", value_delimiter = ',', default_value = "*", value_name = "NAMES")]
    pub query: Vec<String>,
    /// Subprotocols that are passed on; * for all.
    #[arg(long, env = "CODITECT_WS_PROTOCOLS", value_delimiter = ',', default_value = "*", value_name = "NAMES")]
    pub protocols: Vec<String>,
    /// Cookie that may bring a token, for pages of the workspace itself.
    #[arg(long, env = "CODITECT_WS_COOKIE", default_value = "coditect_token", value_name = "NAME")]
    pub cookie: String,
}

/// How much there may be of things.
#[derive(Debug, Clone, Copy, Args)]
pub struct Bounds {
    /// Connections at once; and as many resumable ones, those whose client is away included: of these the one that has been away for longest makes room.
    #[arg(long, env = "CODITECT_WS_CONNECTIONS", default_value_t = 10_000, value_name = "COUNT")]
    pub connections: usize,
    /// Longest frame, bytes.
    #[arg(long, env = "CODITECT_WS_FRAME_BYTES", default_value_t = 16 << 20, value_name = "BYTES")]
    pub frame_bytes: usize,
    /// Longest message, bytes.
    #[arg(long, env = "CODITECT_WS_MESSAGE_BYTES", default_value_t = 64 << 20, value_name = "BYTES")]
    pub message_bytes: u64,
    /// Bytes that wait for a slow reader, in each direction of a connection; the other side then has to wait. A large binary message that is passed on by the kernel may add as many, up to 1 MiB.
    #[arg(long, env = "CODITECT_WS_QUEUE_BYTES", default_value_t = 1 << 20, value_name = "BYTES")]
    pub queue_bytes: usize,
    /// Bytes that a resumable connection keeps until they are acknowledged.
    #[arg(long, env = "CODITECT_WS_REPLAY_BYTES", default_value_t = 4 << 20, value_name = "BYTES")]
    pub replay_bytes: usize,
    /// Whether messages of clients that can are compressed: on or off.
    #[arg(long, env = "CODITECT_WS_COMPRESSION", default_value = "on", value_name = "ON|OFF")]
    pub compression: OnOff,
    /// The same for the workspace: on one machine it costs time and gains nothing.
    #[arg(long, env = "CODITECT_WS_UPSTREAM_COMPRESSION", default_value = "off", value_name = "ON|OFF")]
    pub upstream_compression: OnOff,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OnOff {
    /// Yes.
    On,
    /// No.
    Off,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, Args)]
pub struct Times {
    /// Pause between heartbeats, ms.
    #[arg(long = "ping-ms", env = "CODITECT_WS_PING_MS", default_value = "15000", value_parser = millis, value_name = "MS")]
    pub ping_every: Duration,
    /// A side that was not heard for so long is dead, ms.
    #[arg(long = "dead-ms", env = "CODITECT_WS_DEAD_MS", default_value = "40000", value_parser = millis, value_name = "MS")]
    pub dead_after: Duration,
    /// The workspace may be away for so long before its clients are disconnected, ms.
    #[arg(long = "bridge-ms", env = "CODITECT_WS_BRIDGE_MS", default_value = "30000", value_parser = millis, value_name = "MS")]
    pub bridge: Duration,
    /// A resumable connection is kept for so long without its client, ms.
    #[arg(long = "keep-ms", env = "CODITECT_WS_KEEP_MS", default_value = "90000", value_parser = millis, value_name = "MS")]
    pub keep: Duration,
    /// Connections go on for so long while the store is away, ms.
    #[arg(long = "store-grace-ms", env = "CODITECT_WS_STORE_GRACE_MS", default_value = "300000", value_parser = millis, value_name = "MS")]
    pub store_grace: Duration,
    /// What connections have to end when the sidecar stops, ms.
    #[arg(long = "drain-ms", env = "CODITECT_WS_DRAIN_MS", default_value = "10000", value_parser = millis, value_name = "MS")]
    pub drain: Duration,
}

/// What is written to the log.
#[derive(Debug, Clone, Args)]
pub struct Log {
    /// A level, or directives such as info,coditect_websocket=debug.
    #[arg(long = "log-level", env = "CODITECT_LOG", default_value = "info", value_name = "LEVEL")]
    pub level: String,
    /// text or json.
    #[arg(long = "log-format", env = "CODITECT_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub format: LogFormat,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

fn millis(text: &str) -> Result<Duration, String> {
    let millis: u64 = text.parse().map_err(|_| "not a number of milliseconds".to_owned())?;
    Ok(Duration::from_millis(millis))
}

fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(text.into())
}

fn upstream(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" if url.has_host() && url.path() == "/" && url.query().is_none() => Ok(url),
        "http" => Err("a host and a port, and nothing more".into()),
        _ => Err("the workspace is on this machine: http://127.0.0.1:PORT".into()),
    }
}

fn gateway(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" if url.has_host() && url.path() == "/" && url.query().is_none() => Ok(url),
        "http" | "https" => Err("a host and a port, and nothing more".into()),
        _ => Err("as https://coditect-server.coditect-app.svc:8080".into()),
    }
}

impl Sessions {
    fn check(&self) -> Result<(), String> {
        let Some(gateway) = &self.gateway else { return Ok(()) };
        let has_store = self.fdb_cluster_string.is_some() || self.fdb_cluster_file.is_some() || self.data_dir.is_some();
        if has_store || self.jwt_secret.is_some() {
            return Err(
                "set either --gateway, or JWT_SECRET and a store: a sidecar that asks the gateway needs neither".into(),
            );
        }
        if self.gateway_token_file.is_none() {
            return Err("--gateway needs --gateway-token-file".into());
        }
        match gateway.scheme() == "https" && self.gateway_ca_file.is_none() {
            true => Err("--gateway by https needs --gateway-ca-file".into()),
            false => Ok(()),
        }
    }
}

impl Settings {
    /// The usual settings for a workspace that listens at `upstream`, whatever the environment says.
    ///
    /// # Errors
    /// When `upstream` is no address of a workspace.
    pub fn of(workspace: WorkspaceId, tenant: TenantId, user: UserId, upstream: &str) -> Result<Self, String> {
        #[derive(clap::Parser)]
        struct Cli {
            #[command(flatten)]
            settings: Settings,
        }
        let command = Cli::command().mut_args(|argument| argument.env(None::<&str>));
        let needed = ["", "--workspace", workspace.as_str(), "--user", user.as_str(), "--upstream", upstream];
        let parsed = command.try_get_matches_from(needed).map_err(|error| error.to_string())?;
        let mut settings = Cli::from_arg_matches(&parsed).map_err(|error| error.to_string())?.settings;
        settings.place.tenant = tenant;
        Ok(settings)
    }

    /// Checks what no single setting shows.
    ///
    /// # Errors
    /// What is wrong, and with which settings.
    pub fn check(&self) -> Result<(), String> {
        self.sessions.check()?;
        let times = &self.times;
        if times.ping_every.is_zero() || times.dead_after < times.ping_every * 2 {
            return Err("--dead-ms must be at least twice --ping-ms, so that one lost heartbeat ends nothing".into());
        }
        if self.bounds.queue_bytes < crate::limits::PIECE_BYTES || self.bounds.replay_bytes < crate::limits::PIECE_BYTES
        {
            return Err(format!("--queue-bytes and --replay-bytes must be at least {}", crate::limits::PIECE_BYTES));
        }
        let origins = self.allowed.origins.iter().filter(|origin| !matches!(origin.as_str(), "*" | ""));
        for origin in origins {
            let url = Url::parse(origin).map_err(|error| format!("--origins: {origin}: {error}"))?;
            if url.origin().ascii_serialization() != *origin {
                return Err(format!(
                    "--origins: {origin}: an origin is a scheme, a host and a port, without a slash behind them"
                ));
            }
        }
        Ok(())
    }
}
