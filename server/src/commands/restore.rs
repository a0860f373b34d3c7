//! `coditect-server restore`: a store from the backup in a bucket.

use clap::Args;
use coditect_engine::model::{TenantId, Version};
use coditect_engine::{EngineOptions, ErrorKind, RestoreOptions, Restored, restore};
use coditect_store::Clock;

use super::{failed, open_bucket, output};
use crate::settings::Settings;
use crate::start::{StartError, open_store};

/// What is restored.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RestoreArgs {
    /// Bucket that holds the backup, as gs://bucket/prefix. Where it is the configured one (KNOWLEDGE_BUCKET), this store goes on with the backup in it, unless one tenant alone is restored.
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// This tenant alone.
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// The state at this version (20 hexadecimal digits, as writes answer it), as the backup knew it.
    #[arg(long, value_name = "VERSION")]
    pub at: Option<String>,
    /// Write over what is there: collections of the tenants concerned are dropped first.
    #[arg(long)]
    pub overwrite: bool,
}

impl RestoreArgs {
    fn options(&self, settings: &Settings) -> Result<RestoreOptions, StartError> {
        let invalid = |flag: &str, error: &dyn std::fmt::Display| StartError::Settings(format!("--{flag}: {error}"));
        let tenant = self.tenant.as_ref().map(TenantId::new).transpose().map_err(|error| invalid("tenant", &error))?;
        let at: Option<Version> =
            self.at.as_ref().map(|at| at.parse()).transpose().map_err(|error| invalid("at", &error))?;
        let is_own = |url: &str| url.trim_end_matches('/') == self.from.trim_end_matches('/');
        // A store that has one tenant alone would take the others' documents out of the backup.
        let take_over = tenant.is_none() && settings.bucket.as_deref().is_some_and(is_own);
        Ok(RestoreOptions { tenant, at, overwrite: self.overwrite, take_over })
    }
}

/// Restores, and says what was restored.
pub(super) async fn run(arguments: &RestoreArgs, settings: &Settings) -> Result<(), StartError> {
    let options = arguments.options(settings)?;
    let bucket = open_bucket(&arguments.from)?;
    let clock = Clock::system();
    let store = open_store(settings, &clock).await?;
    let begun = clock.monotonic();
    let spinner = output::spinner();
    let root = EngineOptions::default().root;
    let progress = |done: &Restored| {
        let (documents, passages, bytes) = (done.documents, done.passages, output::bytes(done.bytes));
        spinner.set_message(format!("{documents} documents, {passages} passages, {bytes}"));
    };
    let restored = restore(&store, &clock, &root, &bucket, &options, progress).await;
    spinner.finish_and_clear();
    if let Err(error) = store.close().await {
        tracing::warn!(%error, "the store did not close cleanly");
    }
    let restored = restored.map_err(|error| match error.kind() {
        ErrorKind::Conflict => StartError::Data(format!("{error} (--overwrite)")),
        ErrorKind::NotFound => StartError::Settings(error.to_string()),
        _ => failed("restore", &error),
    })?;
    let seconds = clock.monotonic().saturating_sub(begun).as_secs_f64();
    report(arguments, &restored, seconds)
}

fn report(arguments: &RestoreArgs, restored: &Restored, seconds: f64) -> Result<(), StartError> {
    let Restored { collections, documents, passages, bytes, version, failures } = restored;
    let bytes = output::bytes(*bytes);
    output::say(&format!(
        "restored from {}: {collections} collections, {documents} documents, {passages} passages, {bytes} in {seconds:.1} s\n\
         newest version: {version}\n",
        arguments.from
    ))?;
    if failures.is_empty() {
        return output::say("restore: ok, every document compared with its object\n");
    }
    let mut table = output::table(&["not restored"]);
    for failure in failures {
        table.add_row([failure]);
    }
    output::say(&format!("{table}\n"))?;
    Err(StartError::Incomplete(format!("restore: {} objects could not be restored", failures.len())))
}
