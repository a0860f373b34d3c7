//! A workspace on the server's own machine, whose sockets the server serves itself.

use serde::Deserialize;

/// A workspace beside the server.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SidecarSettings {
    /// Its id; none when unset.
    pub workspace: Option<String>,
    /// The tenant of its user.
    pub tenant: String,
    /// Id of the user whose it is.
    pub user: Option<String>,
    /// Where it listens.
    pub upstream: String,
}

impl Default for SidecarSettings {
    fn default() -> Self {
        Self { workspace: None, tenant: "default".into(), user: None, upstream: "http://127.0.0.1:3000".into() }
    }
}
