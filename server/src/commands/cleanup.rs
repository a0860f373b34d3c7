//! `coditect-server cleanup-sessions`: what a daily job calls. Several may run at once.

use std::time::Duration;

use super::{admin, output};
use crate::settings::Settings;
use crate::start::{StartError, chain};

/// Deletes what is over, and says how much that was: one line in the log, one for people.
pub(super) async fn run(settings: &Settings) -> Result<(), StartError> {
    let (store, auth) = admin::open(settings).await?;
    let cleaned = auth.clean_up(Duration::from_secs(settings.auth.audit_kept_s)).await;
    admin::close(&store, &auth).await;
    let report = cleaned.map_err(|error| StartError::Other(format!("clean up sessions: {}", chain(&error))))?;
    report.log();
    let total = report.total();
    output::say(&format!(
        "sessions: {} scanned, {} expired and {} terminated deleted, in {:.1} s\n",
        report.scanned,
        total.expired,
        total.terminated,
        report.took.as_secs_f64()
    ))
}
