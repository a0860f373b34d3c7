//! What a provider is shown as proof of who asks.

use std::sync::Arc;

use gcp_auth::TokenProvider;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::super::error::EmbedError;

const GOOGLE_SCOPES: &[&str] = &["https://www.googleapis.com/auth/cloud-platform"];

/// Where the bearer token comes from.
pub(super) enum Credential {
    /// The endpoint asks for none.
    None,
    /// A fixed token.
    Fixed(SecretString),
    /// Google's application-default credentials; tokens are renewed before they expire.
    Google(Arc<dyn TokenProvider>),
}

impl Credential {
    /// Finds Google's application-default credentials: the file that
    /// `GOOGLE_APPLICATION_CREDENTIALS` names, gcloud's, or the machine's own.
    pub(super) async fn google() -> Result<Self, EmbedError> {
        let provider = gcp_auth::provider().await.map_err(|error| EmbedError::Config {
            setting: "vertex",
            message: format!("no Google credentials found: {error}"),
        })?;
        Ok(Self::Google(provider))
    }

    /// The value of the `authorization` header.
    pub(super) async fn header(&self) -> Result<Option<HeaderValue>, EmbedError> {
        let bearer = match self {
            Self::None => return Ok(None),
            Self::Fixed(token) => format!("Bearer {}", token.expose_secret()),
            Self::Google(provider) => {
                let token = provider.token(GOOGLE_SCOPES).await;
                let token = token.map_err(|error| EmbedError::Unavailable(format!("get a Google token: {error}")))?;
                format!("Bearer {}", token.as_str())
            }
        };
        let mut value = HeaderValue::try_from(bearer).map_err(|_| EmbedError::Config {
            setting: "api_key",
            message: "it holds characters that an HTTP header cannot".to_owned(),
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}
