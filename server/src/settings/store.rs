//! Where everything is kept: in a folder of this machine, or on a FoundationDB cluster.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use crate::limits;

/// Where everything is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// Which kind of store.
    pub backend: StoreBackend,
    /// Cluster file of FoundationDB.
    pub cluster_file: Option<PathBuf>,
    /// Content of such a file.
    pub cluster_string: Option<String>,
    /// How long the start waits for the cluster to answer, milliseconds.
    pub start_timeout_ms: u64,
    /// Certificates for the cluster.
    pub tls: StoreTls,
}

/// The kinds of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreBackend {
    /// In the data folder, for one server.
    #[default]
    Embedded,
    /// On a FoundationDB cluster, for any number of servers.
    Fdb,
}

/// Certificates for a FoundationDB cluster with TLS.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreTls {
    /// File of the own certificate chain, PEM.
    pub certificate: Option<PathBuf>,
    /// File of the own private key, PEM.
    pub key: Option<PathBuf>,
    /// File of the authorities that sign the cluster's certificates, PEM.
    pub ca: Option<PathBuf>,
    /// What the cluster's certificates must say.
    pub verify_peers: Option<String>,
    /// Passphrase of the private key.
    pub password: Option<String>,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            backend: StoreBackend::default(),
            cluster_file: None,
            cluster_string: None,
            start_timeout_ms: limits::STORE_START_TIMEOUT_MS,
            tls: StoreTls::default(),
        }
    }
}

impl fmt::Debug for StoreTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreTls")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .field("ca", &self.ca)
            .field("verify_peers", &self.verify_peers)
            .field("password", &self.password.as_ref().map(|_| "redacted"))
            .finish()
    }
}
