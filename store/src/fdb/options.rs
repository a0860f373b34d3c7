//! Where a cluster is and how to talk to it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::limits;

/// Settings of a store on FoundationDB.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FdbOptions {
    /// Which cluster.
    pub cluster: FdbCluster,
    /// Certificates, when the cluster wants them. The network thread takes those of the first store of a process.
    pub tls: FdbTls,
    /// How long opening waits for the cluster to answer.
    pub start_timeout: Duration,
    /// Source of time, jitter and ids.
    pub clock: Clock,
}

/// How a cluster is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FdbCluster {
    /// By the file `fdb.cluster` in the working directory, or `/etc/foundationdb/fdb.cluster`.
    Default,
    /// By a cluster file. The client library writes to it when the coordinators change.
    File(PathBuf),
    /// By the content of a cluster file, `description:id@host:port,…`. It is kept in a private temporary file.
    ConnectionString(String),
}

/// Certificates for a cluster with TLS. What is not given is taken from the client library's own environment variables
/// (`FDB_TLS_CERTIFICATE_FILE`, `FDB_TLS_KEY_FILE`, `FDB_TLS_CA_FILE`, `FDB_TLS_VERIFY_PEERS`, `FDB_TLS_PASSWORD`).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FdbTls {
    /// File of the own certificate chain, PEM.
    pub certificate: Option<PathBuf>,
    /// File of the own private key, PEM.
    pub key: Option<PathBuf>,
    /// File of the authorities that sign the cluster's certificates, PEM.
    pub ca: Option<PathBuf>,
    /// What the cluster's certificates must say, as `Check.Valid=1,S.CN=…`.
    pub verify_peers: Option<String>,
    /// Passphrase of the private key.
    pub password: Option<String>,
}

impl fmt::Debug for FdbTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FdbTls")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .field("ca", &self.ca)
            .field("verify_peers", &self.verify_peers)
            .field("password", &self.password.as_ref().map(|_| "redacted"))
            .finish()
    }
}

impl FdbOptions {
    /// A store on this cluster, with the machine's clock.
    #[must_use]
    pub fn new(cluster: FdbCluster) -> Self {
        Self { cluster, tls: FdbTls::default(), start_timeout: limits::FDB_START, clock: Clock::system() }
    }

    /// A store on the cluster that `FDB_CLUSTER_FILE` or `FDB_CLUSTER_STRING` names, or the default one when neither is set.
    ///
    /// # Errors
    /// `Invalid` when both are set, or one is not UTF-8.
    pub fn from_env() -> Result<Self> {
        let set = |name: &str| match std::env::var(name) {
            Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(Error::invalid(format!("{name} is not UTF-8"))),
        };
        let cluster = match (set("FDB_CLUSTER_FILE")?, set("FDB_CLUSTER_STRING")?) {
            (None, None) => FdbCluster::Default,
            (Some(file), None) => FdbCluster::File(file.into()),
            (None, Some(string)) => FdbCluster::ConnectionString(string),
            (Some(_), Some(_)) => {
                return Err(Error::invalid("FDB_CLUSTER_FILE and FDB_CLUSTER_STRING are both set: keep one"));
            }
        };
        Ok(Self::new(cluster))
    }
}
