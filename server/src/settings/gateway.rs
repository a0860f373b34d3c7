//! Sockets to workspaces.

use serde::Deserialize;

use crate::limits;

/// Sockets to workspaces.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewaySettings {
    /// Most sockets at once.
    pub sockets: usize,
    /// Most sockets of one user at once.
    pub sockets_per_user: usize,
    /// Cookie that may bring a token.
    pub cookie: String,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self { sockets: limits::SOCKETS, sockets_per_user: limits::SOCKETS_PER_USER, cookie: "coditect_token".into() }
    }
}
