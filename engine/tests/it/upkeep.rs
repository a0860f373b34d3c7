//! Upkeep of the store under leases: the log is trimmed without anyone missing a change, what nothing names is swept, one of several engines does each job.

use std::time::Duration;

use coditect_engine::search::Mode;
use coditect_engine::{Engine, EngineOptions, UpkeepOptions};
use coditect_store::faults::{Fault, Faults};
use coditect_store::tuple::{Element, pack};
use coditect_store::{Clock, Store};

use crate::harness::{Rig, WAIT, docs, everything, id, ids, query_of};

fn brisk() -> EngineOptions {
    let pause = Duration::from_millis(20);
    let upkeep = UpkeepOptions {
        log_retention: Duration::ZERO,
        trim_interval: pause,
        sweep_interval: pause,
        ..UpkeepOptions::default()
    };
    EngineOptions { upkeep, ..EngineOptions::default() }
}

pub(crate) fn is_in(key: &[Element<'_>], table: &str) -> bool {
    let at = if key[1] == Element::String("t".into()) { 3 } else { 1 };
    key.get(at) == Some(&Element::String(table.into()))
}

pub(crate) async fn count(store: &Store, table: &str) -> usize {
    everything(store).await.iter().filter(|(key, _)| is_in(key, table)).count()
}

/// Waits until as many keys of `table` are left.
async fn until_left(store: &Store, table: &str, left: usize) {
    let deadline = tokio::time::Instant::now() + WAIT;
    while count(store, table).await != left {
        assert!(tokio::time::Instant::now() < deadline, "{} keys in {table}", count(store, table).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_behind_the_trimmed_log_builds_anew_and_misses_nothing() {
    let rig = Rig::with(brisk()).await;
    rig.put("gone", &["what is deleted later"]).await;
    let seen = rig.put("stays", &["first state"]).await;
    let faults = Faults::default();
    let slow = Engine::start(rig.store.with_faults(faults.clone()), Clock::system(), &EngineOptions::default());
    slow.ready(WAIT).await.unwrap();
    slow.tenant(&crate::harness::tenant_id()).wait_for(seen.version, WAIT).await.unwrap();
    until_left(&rig.store, "log", 0).await;

    // Whatever it reads next, it reads late: what happens until then is not in the log any more.
    faults.on_reads([Fault::Delay(Duration::from_secs(3)); 4]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    rig.tenant("t").delete(&docs(), &id("gone")).await.unwrap();
    rig.put("stays", &["second state"]).await;
    let last = rig.put("new", &["what came meanwhile"]).await;
    rig.find("meanwhile", Mode::Keyword, last.version).await;
    until_left(&rig.store, "log", 0).await;
    assert!(slow.readiness().version < last.version, "it was not slow enough to miss anything");

    let tenant = slow.tenant(&crate::harness::tenant_id());
    tenant.wait_for(last.version, WAIT).await.unwrap();
    let search = async |query: &str| {
        let request = coditect_engine::search::SearchRequest { mode: Mode::Keyword, ..query_of(query) };
        ids(&tenant.search(request).await.unwrap())
    };
    assert_eq!(search("meanwhile").await, ["new"]);
    assert_eq!(search("second").await, ["stays"]);
    assert!(search("deleted").await.is_empty() && search("first").await.is_empty());
    slow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn generations_that_nothing_names_are_swept_and_no_others() {
    let rig = Rig::with(brisk()).await;
    rig.put("a", &["one", "two"]).await;
    rig.put("b", &["three"]).await;
    let before: Vec<_> = everything(&rig.store).await;
    let of_generations = |key: &[Element<'_>]| ["p", "k", "s"].iter().any(|table| is_in(key, table));
    let orphan = Element::Uuid(rig.clock.uuid());
    let of_orphan = |(key, value): &(Vec<Element<'static>>, Vec<u8>)| {
        let mut key = key.clone();
        key[5] = orphan.clone();
        (pack(&key), value.clone())
    };
    // All at once: a sweep may come at any time.
    let orphans: &Vec<_> = &before.iter().filter(|(key, _)| of_generations(key)).map(of_orphan).collect();
    let written = rig.store.run(|tx| async move {
        orphans.iter().for_each(|(key, value)| tx.set(key, value));
        Ok::<_, coditect_store::Error>(())
    });
    written.await.unwrap();
    let kept = before.iter().filter(|(key, _)| is_in(key, "p")).count();
    assert!(kept == 3);
    until_left(&rig.store, "p", kept).await;
    let after = everything(&rig.store).await;
    let named = |all: &[(Vec<Element<'static>>, Vec<u8>)]| -> Vec<(Vec<Element<'static>>, Vec<u8>)> {
        all.iter().filter(|(key, _)| of_generations(key)).cloned().collect()
    };
    assert_eq!(named(&after), named(&before));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_job_is_done_by_one_of_several_engines_at_a_time() {
    let rig = Rig::with(brisk()).await;
    let others = [(); 2].map(|()| Engine::start(rig.store.clone(), Clock::system(), &brisk()));
    for round in 0..40 {
        rig.put("doc", &[&format!("round {round}")]).await;
    }
    for engine in &others {
        engine.stop().await;
    }
    until_left(&rig.store, "log", 0).await;
    let leases = everything(&rig.store).await;
    let terms = leases.iter().filter(|(key, _)| is_in(key, "lease"));
    // A record has its format, the holder, the term and the beat; the holder of a lease that was given back is nil.
    let given_back = |record: &[u8]| record.len() == 33 && record[1..17] == [0; 16];
    rig.engine.stop().await;
    let mut held = 0;
    for (key, _) in terms {
        let key = &pack(key);
        let now = rig.store.run(|tx| async move { tx.get(key).await }).await.unwrap().unwrap();
        assert!(given_back(&now), "a stopped engine leaves no lease behind");
        held += 1;
    }
    assert!(held >= 2);
}
