//! The end of a run: when all is calm, nothing is left over, and every engine answers the same, wherever it has its indexes from.

use std::collections::BTreeSet;
use std::time::Duration;

use coditect_engine::documents::{ListQuery, Listed};
use coditect_engine::search::Mode;
use coditect_engine::{Engine, UpkeepJob};

use crate::backup;
use crate::content;
use crate::log;
use crate::look::{found_or_missing, is_all, look, request, shown};
use crate::model::{Model, State};
use crate::raw::{self, Keys};
use crate::run::round;
use crate::settle::settle;
use crate::trace::{Look, Place, Search, Trace};
use crate::violation::{Checked, Violation, check};
use crate::world::{LEASE, PATIENCE, World};

/// Longer than anything waits for its clean-up, on clocks that are hours apart.
const LONG: Duration = Duration::from_secs(20 * 3_600);
/// Rounds after which a job that has nothing in its way must be done.
const ROUNDS: usize = 10;
/// In one of so many runs scores must become the same as well, which takes until the indexes have been tidied up.
const SCORES_EACH: u64 = 10;

pub(crate) async fn end(world: &mut World, model: &mut Model, trace: &Trace) -> Checked {
    for slot in 0..world.slots.len() {
        world.calm(slot).await;
    }
    for place in trace.places() {
        settle(world, model, place).await?;
        look(world, model, Look::Counts { slot: 0, place }).await?;
    }
    nothing_is_left(world, model, trace).await?;
    let saver = world.extra(true).await;
    let checked = answers(model, trace, &saver.engine).await.map(drop);
    let checked = if checked.is_ok() { saved(world, model, &saver.engine).await } else { checked };
    let checked = if checked.is_ok() { backup::compared(world, model, &saver.engine).await } else { checked };
    saver.engine.stop().await;
    checked?;
    let (restored, rebuilt) = (world.extra(true).await, world.extra(false).await);
    // A backup of nothing cannot be restored.
    let is_any = model.collections.values().any(|collection| collection.exists == Some(true));
    let again = if is_any { Some(backup::restored(world).await?) } else { None };
    let engines = [&restored.engine, &rebuilt.engine]
        .into_iter()
        .chain(&again)
        .chain(world.slots.iter().map(|slot| &slot.engine));
    let checked = all_answer_alike(model, trace, engines.collect()).await;
    if let Some(again) = again {
        again.stop().await;
    }
    restored.engine.stop().await;
    rebuilt.engine.stop().await;
    checked
}

/// What was replaced, dropped or given up is gone, and nothing else.
async fn nothing_is_left(world: &World, model: &mut Model, trace: &Trace) -> Checked {
    pass(world, model, LONG);
    let is_clean = |keys: &Keys| keys.count("gc") == 0 && keys.count("staged") == 0;
    let keys = until(world, model, UpkeepJob::Cleanup, is_clean).await?;
    let named = generations(world, trace).await?;
    check(keys.generations == named, || {
        let lost: Vec<&String> = named.difference(&keys.generations).collect();
        let left: Vec<&String> = keys.generations.difference(&named).collect();
        format!("of the generations that documents name, {lost:?} are gone; nothing names {left:?}, which are there")
    })?;
    let documents = model.collections.values().flat_map(|collection| collection.documents.values());
    let there: Vec<u32> = documents
        .filter_map(|document| match document.state {
            State::There(content, _) => Some(content),
            State::Gone => None,
        })
        .collect();
    let passages: u32 = there.iter().map(|content| content::passages(*content)).sum();
    check((keys.count("d"), keys.count("p")) == (there.len(), passages as usize), || {
        format!("{} documents with {passages} passages, but there are {:?}", there.len(), keys.tables)
    })?;
    round(&world.slots[0].engine, UpkeepJob::Sweep).await
}

/// Rounds of a job until the keys are as they should be. The lease of an engine that was cut off is taken over when its time is over.
async fn until(world: &World, model: &mut Model, job: UpkeepJob, holds: impl Fn(&Keys) -> bool) -> Checked<Keys> {
    let mut keys = raw::keys(&world.calm, &world.root).await;
    for _ in 0..ROUNDS {
        if holds(&keys) {
            return Ok(keys);
        }
        round(&world.slots[0].engine, job).await?;
        pass(world, model, LEASE);
        keys = raw::keys(&world.calm, &world.root).await;
    }
    Err(Violation(format!("{ROUNDS} rounds of {job:?} leave {:?}", keys.tables)))
}

fn pass(world: &World, model: &mut Model, time: Duration) {
    world.pass(time);
    model.now += time;
}

/// The generations that documents name.
async fn generations(world: &World, trace: &Trace) -> Checked<BTreeSet<String>> {
    let mut named = BTreeSet::new();
    for place in trace.places() {
        let query = ListQuery { limit: 1_000, ..ListQuery::default() };
        let found = world.tenant(0, place.tenant).documents(&content::collection(place), &query).await;
        let page = found_or_missing(found, None, format_args!("listing {place}"))?;
        named.extend(page.into_iter().flat_map(|page| page.documents).filter_map(|listed| match listed {
            Listed::Stored(stored) => Some(raw::generation(&stored.head)),
            Listed::Failed { .. } => None,
        }));
    }
    Ok(named)
}

/// Each collection that is there gets a snapshot of how it is now, and the log is trimmed behind.
async fn saved(world: &World, model: &mut Model, saver: &Engine) -> Checked {
    for _ in 0..2 {
        round(saver, UpkeepJob::Snapshot).await?;
        pass(world, model, LEASE);
    }
    log::trim(world, model, saver).await
}

/// What an engine answers, all of it as the model says, with scores where no statistics take part in them.
async fn answers(model: &mut Model, trace: &Trace, engine: &Engine) -> Checked<Vec<String>> {
    let mut answers = Vec::new();
    for place in trace.places() {
        for mode in [Mode::Vector, Mode::Keyword, Mode::Hybrid] {
            let search = Search { slot: 0, place, mode, is_fresh: true };
            answers.extend(answer(model, engine, &search, mode == Mode::Vector).await?);
        }
    }
    Ok(answers)
}

async fn answer(model: &mut Model, engine: &Engine, search: &Search, with_scores: bool) -> Checked<Vec<String>> {
    let Place { tenant, .. } = search.place;
    let found = engine.tenant(&content::tenant(tenant)).search(request(model, search)).await;
    let exists = model.at(search.place).exists;
    let Some(response) = found_or_missing(found, exists, format_args!("{search} at the end"))? else {
        return Ok(Vec::new());
    };
    let shown = shown(model, search.place, &response)?;
    is_all(model, search.place, &shown, |_| true)?;
    let scored =
        response.results.iter().map(|it| format!("{} {} {} {}", search.place, it.document, it.ordinal, it.score));
    Ok(if with_scores { scored.collect() } else { Vec::new() })
}

async fn all_answer_alike(model: &mut Model, trace: &Trace, engines: Vec<&Engine>) -> Checked {
    let mut all = Vec::with_capacity(engines.len());
    for engine in &engines {
        all.push(answers(model, trace, engine).await?);
    }
    check(all.iter().all(|answers| *answers == all[0]), || format!("engines answer differently: {all:#?}"))?;
    if !trace.seed.is_multiple_of(SCORES_EACH) {
        return Ok(());
    }
    let deadline = tokio::time::Instant::now() + PATIENCE;
    for place in trace.places() {
        let search = Search { slot: 0, place, mode: Mode::Keyword, is_fresh: true };
        loop {
            let mut all = Vec::with_capacity(engines.len());
            for engine in &engines {
                all.push(answer(model, engine, &search, true).await?);
            }
            if all.iter().all(|answers| *answers == all[0]) {
                break;
            }
            check(tokio::time::Instant::now() < deadline, || format!("scores stay different: {all:#?}"))?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}
