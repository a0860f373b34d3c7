//! The sidecar of a workspace on this machine, in this process: it listens on loopback, and is found in the registry like any other.

use std::net::{Ipv4Addr, SocketAddr};

use coditect_auth::{UserId, WorkspaceId};
use coditect_store::TenantId;
use coditect_websocket::{Settings as WebSocketSettings, Sidecar, Source};

use crate::settings::Settings;
use crate::start::StartError;
use crate::state::App;

/// Starts it, if there is such a workspace.
pub(crate) async fn start(app: &App) -> Result<Option<Sidecar>, StartError> {
    let Some(mut settings) = settings(&app.settings)? else { return Ok(None) };
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    (settings.listen, settings.ops_listen) = (anywhere, anywhere);
    let started = Sidecar::start(settings, Source::Store(app.auth.clone()), app.clock.clone(), None).await;
    let sidecar = started.map_err(|error| StartError::Other(format!("listen for the workspace's sockets: {error}")))?;
    Ok(Some(sidecar))
}

fn settings(all: &Settings) -> Result<Option<WebSocketSettings>, StartError> {
    let wanted = &all.sidecar;
    let Some(workspace) = &wanted.workspace else { return Ok(None) };
    let wrong = |key: &str, error: &dyn std::fmt::Display| StartError::Settings(format!("sidecar.{key}: {error}"));
    let workspace = WorkspaceId::new(workspace).map_err(|error| wrong("workspace", &error))?;
    let tenant = TenantId::new(&wanted.tenant).map_err(|error| wrong("tenant", &error))?;
    let user = wanted.user.as_deref().ok_or_else(|| wrong("user", &"set the id of the user whose workspace it is"))?;
    let user = UserId::new(user).map_err(|error| wrong("user", &error))?;
    let mut settings =
        WebSocketSettings::of(workspace, tenant, user, &wanted.upstream).map_err(|error| wrong("upstream", &error))?;
    // This server.
    settings.proxies = 1;
    settings.allowed.origins = all.cors.origins.clone();
    settings.allowed.cookie = all.gateway.cookie.clone();
    Ok(Some(settings))
}
