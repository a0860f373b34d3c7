//! Setting authentication up: secrets, who may register, and the secret that a server of one machine makes for itself.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coditect_auth::{Auth, AuthOptions, Issuing, KeyRing, Registration};
use coditect_store::{Clock, Store};
use secrecy::SecretString;

use crate::settings::{AuthSettings, RegistrationMode, Settings};
use crate::start::StartError;

/// The file of the secret that a server makes for itself, in the data folder.
const SECRET_FILE: &str = "jwt_secret";
/// Random bytes of such a secret.
const SECRET_BYTES: usize = 48;

/// Begins authentication on `store`.
pub(crate) fn start(settings: &Settings, store: Store) -> Result<Auth, StartError> {
    let AuthSettings { issuer, audience, token_life_s, registration, .. } = settings.auth.clone();
    let options = AuthOptions {
        issuing: Issuing { issuer, audience, life: Duration::from_secs(token_life_s) },
        registration: match registration {
            RegistrationMode::Closed => Registration::Closed,
            RegistrationMode::Invitation => Registration::Invitation,
            RegistrationMode::Open => Registration::Open,
        },
        ..AuthOptions::new(key_ring(settings, store.clock())?)
    };
    Auth::start(store, options).map_err(|error| StartError::Other(error.to_string()))
}

fn key_ring(settings: &Settings, clock: &Clock) -> Result<KeyRing, StartError> {
    let secret = match &settings.auth.jwt_secret {
        Some(secret) => secret.clone(),
        // Settings without one are refused unless the server listens on loopback alone.
        None => own_secret(&settings.data_dir.join(SECRET_FILE), clock)?,
    };
    KeyRing::new(&secret, &settings.auth.previous_secrets).map_err(|error| StartError::Settings(error.to_string()))
}

/// The secret in `file`, which is made where it is missing, for its owner's eyes alone.
fn own_secret(file: &Path, clock: &Clock) -> Result<SecretString, StartError> {
    let cannot = |what: &str, error: &dyn std::fmt::Display| {
        StartError::Data(format!("{what} the secret of tokens in {}: {error}", file.display()))
    };
    match std::fs::read_to_string(file) {
        Ok(text) => return Ok(text.trim().into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(cannot("read", &error)),
    }
    let mut bytes = [0; SECRET_BYTES];
    bytes.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&clock.random().to_le_bytes()));
    let secret = STANDARD.encode(bytes);
    write_new(file, &secret).map_err(|error| cannot("keep", &error))?;
    tracing::info!(file = %file.display(), "JWT_SECRET is not set: a secret of this server's own was made");
    Ok(secret.into())
}

/// All of the file is there or none of it, and nobody else can read it at any time.
fn write_new(file: &Path, secret: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let new = file.with_extension("new");
    let mut handle = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    writeln!(handle, "{secret}")?;
    handle.sync_all()?;
    std::fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_secret_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data/jwt_secret");
        let first = own_secret(&file, &Clock::system()).unwrap();
        let again = own_secret(&file, &Clock::system()).unwrap();
        assert_eq!(first.expose_secret(), again.expose_secret());
        assert!(first.expose_secret().len() >= 64);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
