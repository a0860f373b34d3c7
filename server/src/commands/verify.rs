//! `coditect-server verify`: whether store, log, indexes and bucket say the same.

use std::time::Duration;

use coditect_engine::{Engine, EngineOptions, UpkeepOptions, Verified};
use coditect_store::Clock;

use super::{failed, output};
use crate::settings::Settings;
use crate::start::{StartError, open_store, scratch, snapshots};

/// How long indexes may take to fill.
const READY: Duration = Duration::from_secs(24 * 3_600);

/// Compares, and prints every difference.
pub(super) async fn run(settings: &Settings) -> Result<(), StartError> {
    let clock = Clock::system();
    let store = open_store(settings, &clock).await?;
    let snapshots = snapshots(settings)?;
    let bucket = snapshots.as_ref().map(|snapshots| snapshots.bucket.clone());
    let scratch = scratch(&settings.data_dir)?;
    let options = EngineOptions { scratch, snapshots, upkeep: UpkeepOptions::none(), ..EngineOptions::default() };
    let engine = Engine::start(store.clone(), clock, &options);
    let spinner = output::spinner();
    let compared = async {
        spinner.set_message("building the indexes");
        engine.ready(READY).await?;
        let progress = |done: &Verified| {
            let (documents, passages, objects) = (done.documents, done.passages, done.snapshot_objects);
            spinner.set_message(format!("{documents} documents, {passages} passages, {objects} objects of snapshots"));
        };
        engine.verify(bucket.as_ref(), progress).await
    };
    let compared = compared.await;
    spinner.finish_and_clear();
    engine.stop().await;
    if let Err(error) = store.close().await {
        tracing::warn!(%error, "the store did not close cleanly");
    }
    report(&compared.map_err(|error| failed("verify", &error))?)
}

fn report(verified: &Verified) -> Result<(), StartError> {
    let Verified { collections, documents, passages, log_entries, snapshot_objects, backup_objects, .. } = verified;
    output::say(&format!(
        "compared: {collections} collections, {documents} documents, {passages} passages, {log_entries} entries of the log, \
         {snapshot_objects} objects of snapshots, {backup_objects} objects of the backup\n"
    ))?;
    let differences = &verified.differences;
    if differences.is_empty() {
        return output::say("verify: ok, 0 differences\n");
    }
    let mut table = output::table(&["area", "place", "difference"]);
    for difference in differences {
        table.add_row([difference.area.to_string(), difference.place.clone(), difference.what.clone()]);
    }
    output::say(&format!("{table}\n"))?;
    Err(StartError::Incomplete(format!("verify: {} differences", differences.len())))
}
