//! The end of a run as the backup has it: everything is in the bucket, store, log, indexes and bucket say the same, and a store that is made again of it answers as the others.

use coditect_engine::{Engine, EngineOptions, RestoreOptions, UpkeepJob, UpkeepOptions, restore};

use crate::model::Model;
use crate::run::round;
use crate::violation::{Checked, check, failed};
use crate::world::{LEASE, PATIENCE, World};

/// Rounds after which nothing may be missing any more.
const ROUNDS: usize = 10;

/// Brings the backup up to date and compares everything with it.
pub(crate) async fn compared(world: &World, model: &mut Model, saver: &Engine) -> Checked {
    for _ in 0..ROUNDS {
        round(saver, UpkeepJob::Backup).await?;
        let through =
            saver.backup().await.map_err(failed("reading the state of the backup"))?.and_then(|it| it.through);
        if through.is_some_and(|through| through >= model.last) {
            let verified = saver.verify(Some(&world.bucket), |_| {}).await.map_err(failed("verifying"))?;
            return check(verified.differences.is_empty(), || format!("verify: {:#?}", verified.differences));
        }
        // The lease of an engine that was cut off is taken over when its time is over.
        world.pass(LEASE);
        model.now += LEASE;
    }
    check(false, || format!("{ROUNDS} rounds leave the backup behind"))
}

/// An engine on a store that was made again from the backup.
pub(crate) async fn restored(world: &World) -> Checked<Engine> {
    let root = world.restored_root();
    let (store, clock) = (world.calm.clone(), world.slots[0].clock.clone());
    let options = RestoreOptions::default();
    let done = restore(&store, &clock, &root, &world.bucket, &options, |_| {}).await;
    let done = done.map_err(failed("restoring"))?;
    check(done.failures.is_empty(), || format!("restore: {:#?}", done.failures))?;
    let upkeep = UpkeepOptions::none();
    let options = EngineOptions { root, upkeep, scratch: world.scratch.path().to_owned(), ..EngineOptions::default() };
    let engine = Engine::start(store, clock, &options);
    engine.ready(PATIENCE).await.map_err(failed("starting on what was restored"))?;
    Ok(engine)
}
