//! From a URL and the environment to a client of object storage.

use std::sync::Arc;

use object_store::aws::AmazonS3Builder;
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreScheme, StaticCredentialProvider};
use url::Url;

use super::BucketOptions;
use crate::error::{Error, Result};

/// Settings of the environment, by their names in lower case.
type Settings = Vec<(String, String)>;

/// The store that `url` names, and the folder in it.
pub(super) fn open(
    url: &str,
    environment: impl IntoIterator<Item = (String, String)>,
    options: &BucketOptions,
) -> Result<(Arc<dyn ObjectStore>, Path)> {
    let invalid = |message: String| Error::invalid("/bucket", message);
    let parsed = Url::parse(url).map_err(|error| invalid(format!("`{url}` is no URL: {error}")))?;
    let unusable = |error: object_store::Error| invalid(format!("`{url}` cannot be used as a bucket: {error}"));
    let (scheme, prefix) = ObjectStoreScheme::parse(&parsed).map_err(|error| unusable(error.into()))?;
    let settings: Settings = environment.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let store = match scheme {
        ObjectStoreScheme::Local => Ok(Arc::new(LocalFileSystem::new()) as Arc<dyn ObjectStore>),
        ObjectStoreScheme::Memory => Ok(Arc::new(InMemory::new()) as _),
        ObjectStoreScheme::GoogleCloudStorage => google(url, &settings, options),
        ObjectStoreScheme::AmazonS3 => amazon(url, &settings, options),
        _ => return Err(invalid(format!("`{url}` is no gs://, s3://, file:// or memory:// URL"))),
    };
    Ok((store.map_err(unusable)?, prefix))
}

fn google(url: &str, settings: &Settings, options: &BucketOptions) -> object_store::Result<Arc<dyn ObjectStore>> {
    // Without TLS only where the base URL says so, which the metadata service's does.
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_url(url)
        .with_retry(options.retry())
        .with_client_options(options.client().with_allow_http(true));
    for (name, value) in settings.iter().filter(|(name, _)| name.starts_with("google_")) {
        if let Ok(key) = name.parse() {
            builder = builder.with_config(key, value);
        }
    }
    let skips = builder.get_config_value(&GoogleConfigKey::SkipSignature);
    if skips.is_some_and(|it| ["1", "true", "on", "yes", "y"].contains(&&*it.to_ascii_lowercase())) {
        // The client asks the metadata service for a token before it writes or deletes, also where signatures are to be skipped
        // (apache/arrow-rs-object-store issue 520).
        builder =
            builder.with_credentials(Arc::new(StaticCredentialProvider::new(GcpCredential { bearer: String::new() })));
    }
    Ok(Arc::new(builder.build()?))
}

fn amazon(url: &str, settings: &Settings, options: &BucketOptions) -> object_store::Result<Arc<dyn ObjectStore>> {
    // An endpoint that is named with `http` is meant to be spoken to without TLS, as an emulator on this machine.
    let is_plain = |(name, value): &(String, String)| {
        ["aws_endpoint", "aws_endpoint_url"].contains(&&**name) && value.starts_with("http://")
    };
    let client = options.client().with_allow_http(settings.iter().any(is_plain));
    let mut builder = AmazonS3Builder::new().with_url(url).with_retry(options.retry()).with_client_options(client);
    for (name, value) in settings.iter().filter(|(name, _)| name.starts_with("aws_")) {
        if let Ok(key) = name.parse() {
            builder = builder.with_config(key, value);
        }
    }
    Ok(Arc::new(builder.build()?))
}
