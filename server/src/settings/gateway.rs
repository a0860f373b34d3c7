//! Sockets to workspaces.

use serde::Deserialize;

use crate::limits;

/// Sockets to workspaces.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewaySettings {
    /// Most sockets at once.
    pub sockets: usize,
    /// Cookie that may bring a token.
    pub cookie: String,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self { sockets: limits::SOCKETS, cookie: "coditect_token".into() }
    }
}
