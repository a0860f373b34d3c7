//! TLS by rustls: certificates are read at the start, and again when their files are newer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::limits;
use crate::settings::TlsSettings;
use crate::start::StartError;

/// What connections are accepted with.
#[derive(Clone)]
pub(crate) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    acceptor: Arc<RwLock<TlsAcceptor>>,
}

impl Tls {
    /// Reads the certificates, where there are any.
    pub(crate) fn load(settings: &TlsSettings) -> Result<Option<Self>, StartError> {
        let (Some(certificate), Some(key)) = (settings.certificate.clone(), settings.key.clone()) else {
            return Ok(None);
        };
        let acceptor = read(&certificate, &key).map_err(StartError::Settings)?;
        Ok(Some(Self { certificate, key, acceptor: Arc::new(RwLock::new(acceptor)) }))
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.read().clone()
    }

    /// Takes up newer certificates until the server ends. Those that cannot be used change nothing.
    pub(crate) async fn keep_new(self) {
        let mut seen = self.changed_at();
        loop {
            tokio::time::sleep(limits::TLS_LOOK).await;
            let now = self.changed_at();
            if now == seen {
                continue;
            }
            seen = now;
            match read(&self.certificate, &self.key) {
                Ok(acceptor) => {
                    *self.acceptor.write() = acceptor;
                    tracing::info!("new certificates are in use");
                }
                Err(error) => tracing::error!(error, "new certificates cannot be used: the old ones stay"),
            }
        }
    }

    fn changed_at(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key].map(|file| std::fs::metadata(file).and_then(|it| it.modified()).ok())
    }
}

fn read(certificate: &Path, key: &Path) -> Result<TlsAcceptor, String> {
    let cannot = |file: &Path, error: &dyn std::fmt::Display| format!("read {}: {error}", file.display());
    let chain = CertificateDer::pem_file_iter(certificate).map_err(|error| cannot(certificate, &error))?;
    let chain: Vec<CertificateDer<'static>> =
        chain.collect::<Result<_, _>>().map_err(|error| cannot(certificate, &error))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| cannot(key, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("set up TLS: {error}"))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| format!("use the certificate of {}: {error}", certificate.display()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
