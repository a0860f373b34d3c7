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
            self.look(&mut seen);
        }
    }

    /// Reads the certificates again if their files are other ones than those that were `seen`.
    fn look(&self, seen: &mut [Option<SystemTime>; 2]) {
        let now = self.changed_at();
        if now == *seen {
            return;
        }
        *seen = now;
        match read(&self.certificate, &self.key) {
            Ok(acceptor) => {
                *self.acceptor.write() = acceptor;
                tracing::info!("new certificates are in use");
            }
            Err(error) => tracing::error!(error, "new certificates cannot be used: the old ones stay"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, at: u64) -> TlsSettings {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        touch(&certificate, at);
        touch(&key, at);
        TlsSettings { certificate: Some(certificate), key: Some(key) }
    }

    fn touch(file: &Path, at: u64) {
        let modified = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(at);
        std::fs::File::options().append(true).open(file).unwrap().set_modified(modified).unwrap();
    }

    #[test]
    fn newer_certificates_are_taken_up_and_broken_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let tls = Tls::load(&write(folder.path(), 1)).unwrap().unwrap();
        let config = || Arc::as_ptr(tls.acceptor().config());
        let (first, mut seen) = (config(), tls.changed_at());
        tls.look(&mut seen);
        assert_eq!(config(), first, "nothing is new");
        write(folder.path(), 2);
        tls.look(&mut seen);
        let second = config();
        assert_ne!(second, first);
        std::fs::write(folder.path().join("key.pem"), "nothing").unwrap();
        touch(&folder.path().join("key.pem"), 3);
        tls.look(&mut seen);
        assert_eq!(config(), second, "the old ones stay");
    }
}
