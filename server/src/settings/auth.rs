//! Who may call: secrets of tokens, registration, limits by tenant and caller, and certificates.

use std::net::SocketAddr;
use std::path::PathBuf;

use coditect_auth::limits as bounds;
use secrecy::SecretString;
use serde::Deserialize;

use crate::limits;

/// Sign-in, sessions and tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// What tokens are signed with, at least 32 bytes.
    pub jwt_secret: Option<SecretString>,
    /// Earlier secrets, whose tokens are still believed.
    pub previous_secrets: Vec<SecretString>,
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `aud`; none when unset.
    pub audience: Option<String>,
    /// Life of a token, seconds.
    pub token_life_s: u64,
    /// Who may register.
    pub registration: RegistrationMode,
    /// The tenant whose collections every tenant may read.
    pub shared_tenant: String,
    /// Proxies in front of the server that add to `x-forwarded-for`.
    pub proxies: usize,
    /// How often the server itself deletes sessions that are over, seconds; 0 never.
    pub cleanup_interval_s: u64,
    /// How long entries of the audit log stay, seconds.
    pub audit_kept_s: u64,
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistrationMode {
    /// Nobody.
    Closed,
    /// Whoever is invited.
    #[default]
    Invitation,
    /// Also whoever founds a tenant.
    Open,
}

/// How much tenants and callers may do.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuotaSettings {
    /// All callers of a tenant together.
    pub tenant: Rates,
    /// Each user and each service token.
    pub caller: Rates,
}

/// Limits; 0 for none.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Requests a second.
    pub requests_per_s: u32,
    /// Documents written or deleted a minute.
    pub documents_per_min: u32,
    /// Bytes of documents written a minute.
    pub bytes_per_min: u32,
}

/// Certificates, for HTTPS.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// File of the certificate chain, PEM.
    pub certificate: Option<PathBuf>,
    /// File of its private key, PEM.
    pub key: Option<PathBuf>,
}

/// Where metrics are told.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsSettings {
    /// Address of a listener for `/metrics` alone, which asks nobody who he is; none when unset.
    pub listen: Option<SocketAddr>,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            jwt_secret: None,
            previous_secrets: Vec::new(),
            issuer: "coditect".into(),
            audience: None,
            token_life_s: bounds::TOKEN_LIFE.as_secs(),
            registration: RegistrationMode::default(),
            shared_tenant: "shared".into(),
            proxies: 0,
            cleanup_interval_s: limits::CLEANUP_INTERVAL_S,
            audit_kept_s: bounds::AUDIT_KEPT.as_secs(),
        }
    }
}
