//! Proxies that others would put before a workspace, where they are installed: nginx, and HAProxy at its leanest, which passes bytes on and leads them past itself (splice(2)).

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use coditect_benches::limits;
use coditect_benches::server::OUTPUT;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::client::Way;

/// A running proxy; dropping it kills the process.
pub(crate) struct Proxy {
    pub(crate) name: &'static str,
    pub(crate) way: Way,
    child: Child,
}

/// How one is started: its program, the arguments before the file of its settings, and these.
struct Kind {
    name: &'static str,
    arguments: &'static [&'static str],
    settings: fn(SocketAddr, SocketAddr) -> String,
}

const KINDS: [Kind; 2] = [
    Kind { name: "nginx", arguments: &["-e", "stderr", "-c"], settings: nginx },
    Kind { name: "haproxy", arguments: &["-f"], settings: haproxy },
];

/// Starts those that are installed before a workspace, and says which are not.
#[allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]
pub(crate) async fn start(workspace: SocketAddr) -> Result<Vec<Proxy>> {
    let mut proxies = Vec::new();
    for kind in &KINDS {
        match kind.start(workspace).await? {
            Some(proxy) => proxies.push(proxy),
            None => println!("{} is not installed, so it is not measured", kind.name),
        }
    }
    Ok(proxies)
}

impl Kind {
    async fn start(&self, workspace: SocketAddr) -> Result<Option<Proxy>> {
        // Free now, and with luck still free when the proxy asks for it.
        let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let file = std::path::absolute(Path::new(OUTPUT).join(format!("ws-{}.conf", self.name)))?;
        std::fs::write(&file, (self.settings)(address, workspace))
            .with_context(|| format!("write {}", file.display()))?;
        let log = File::create(file.with_extension("log")).context("create the log of a proxy")?;
        let mut command = Command::new(self.name);
        command.args(self.arguments).arg(&file).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = match command.spawn() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            child => child.with_context(|| format!("start {}", self.name))?,
        };
        let proxy = Proxy { name: self.name, way: Way { address, token: None }, child };
        let begun = Instant::now();
        while TcpStream::connect(address).await.is_err() {
            ensure!(begun.elapsed() < limits::STOP, "{} does not listen; see its log in {OUTPUT}", self.name);
            tokio::time::sleep(limits::POLL).await;
        }
        Ok(Some(proxy))
    }
}

/// One process, since there is one stream.
fn nginx(address: SocketAddr, workspace: SocketAddr) -> String {
    format!(
        "daemon off;\nmaster_process off;\npid off;\nevents {{ worker_connections 1024; }}\nhttp {{\n  access_log off;\n  server {{\n    listen {address};\n    location / {{\n      proxy_pass http://{workspace};\n      proxy_http_version 1.1;\n      proxy_set_header Upgrade $http_upgrade;\n      proxy_set_header Connection upgrade;\n      proxy_buffer_size 64k;\n      proxy_buffers 8 64k;\n      proxy_busy_buffers_size 128k;\n    }}\n  }}\n}}\n"
    )
}

fn haproxy(address: SocketAddr, workspace: SocketAddr) -> String {
    format!(
        "global\n  nbthread 2\ndefaults\n  mode tcp\n  option splice-auto\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\nlisten workspace\n  bind {address}\n  server workspace {workspace}\n"
    )
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Nothing to do about a failure: the process is then out of reach.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
