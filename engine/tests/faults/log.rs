//! Trimming: the log reaches back as far as snapshots need it, and as the time says that entries are kept.

use coditect_engine::model::Version;
use coditect_engine::{Engine, UpkeepJob};

use crate::model::Model;
use crate::raw;
use crate::run::round;
use crate::violation::{Checked, check, failed};
use crate::world::{RETENTION, World};

/// One round of trimming while nothing else goes on.
pub(crate) async fn trim(world: &World, model: &Model, engine: &Engine) -> Checked {
    let snapshots = engine.snapshots().await.map_err(failed("listing snapshots"))?;
    let needed_behind = snapshots.iter().map(|snapshot| snapshot.through).min();
    let before = raw::keys(&world.calm, &world.root).await.trimmed.unwrap_or(Version::ZERO);
    round(engine, UpkeepJob::Trim).await?;
    let keys = raw::keys(&world.calm, &world.root).await;
    let trimmed = keys.trimmed.unwrap_or(Version::ZERO);
    check(trimmed >= before, || format!("the log was trimmed up to {before}, and then up to {trimmed}"))?;
    check(keys.first_entry.is_none_or(|first| first > trimmed), || {
        format!("the log is trimmed up to {trimmed}, but begins with {:?}", keys.first_entry)
    })?;
    if trimmed == before || world.has_timers {
        return Ok(());
    }
    check(needed_behind.is_none_or(|needed| trimmed <= needed), || {
        format!("the log was trimmed up to {trimmed}, a snapshot needs it behind {needed_behind:?}")
    })?;
    // The age of an entry is told by the clock of whoever trimmed before.
    let young = model.acknowledged_within(RETENTION).filter(|_| !world.is_skewed);
    check(young.is_none_or(|young| trimmed < young), || {
        format!("the log was trimmed up to {trimmed}, {young:?} is younger than entries are kept")
    })
}
