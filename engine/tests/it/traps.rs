//! Known traps of FoundationDB, one a test: its limits on time and sizes, hot keys, lost watches, clocks that differ. Unknown commit results are in `unknown.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coditect_engine::model::{Version, WriteStatus};
use coditect_engine::search::{Mode, SearchRequest};
use coditect_engine::{Engine, EngineOptions, Tenant, UpkeepJob, UpkeepOptions};
use coditect_store::Clock;
use coditect_store::faults::{Fault, Faults};
use futures::future::join_all;
use jiff::Timestamp;

use crate::harness::{Rig, WAIT, docs, document, id, ids, open_with, query_of, spec, tenant_id};

fn manual(hour: i64) -> Clock {
    Clock::manual(Timestamp::from_second(1_800_000_000 + 3_600 * hour).unwrap())
}

fn tenant(engine: &Engine) -> Tenant {
    engine.tenant(&tenant_id())
}

/// Lets a second of the store's clock pass in each 20 ms, until it is stopped.
fn hurry(clock: &Clock, stopped: &Arc<AtomicBool>) -> tokio::task::JoinHandle<()> {
    let (clock, stopped) = (clock.clone(), stopped.clone());
    tokio::spawn(async move {
        while !stopped.load(Ordering::Relaxed) {
            clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
}

/// A scan and an import of which each transaction takes a second or two, and the whole much more than five.
#[tokio::test(flavor = "multi_thread")]
async fn five_second_transactions_end_neither_a_long_import_nor_a_long_scan() {
    const SLOW: Fault = Fault::Delay(Duration::from_millis(30));
    let (dir, clock) = (tempfile::TempDir::new().unwrap(), manual(0));
    let (faults, stopped) = (Faults::default(), Arc::default());
    let store = open_with(dir.path(), clock.clone()).await.with_faults(faults.clone());
    let engine = Engine::start(store.clone(), clock.clone(), &EngineOptions::default());
    engine.ready(WAIT).await.unwrap();
    // A document of 12 MB is staged in sixteen transactions or more.
    let paragraphs: Vec<String> = (0..120).map(|number| format!("part {number} {}", "x".repeat(100_000))).collect();
    let paragraphs: Vec<&str> = paragraphs.iter().map(String::as_str).collect();
    let hurried = hurry(&clock, &stopped);
    let before = clock.monotonic();
    faults.on_commits([SLOW; 16]);
    let receipt = tenant(&engine).put(&docs(), &spec(), document("long", &paragraphs)).await.unwrap();
    assert!(clock.monotonic() - before > Duration::from_secs(10) && faults.left() == 0);
    engine.stop().await;

    // Its passages come back in pages of 4 MB at most, beside what else a start reads.
    let before = clock.monotonic();
    faults.on_reads([SLOW; 7]);
    let engine = Engine::start(store.clone(), clock.clone(), &EngineOptions::default());
    engine.ready(WAIT).await.unwrap();
    let took = clock.monotonic() - before;
    assert!(took > Duration::from_secs(6) && faults.left() == 0, "{took:?}, {} reads were not slow", faults.left());
    let request = SearchRequest { mode: Mode::Vector, top_k: 500, min_version: Some(receipt.version), ..query_of("x") };
    assert_eq!(tenant(&engine).search(request).await.unwrap().results.len(), 120);
    stopped.store(true, Ordering::Relaxed);
    hurried.await.unwrap();
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_100_kb_and_transactions_of_10_mb_limit_no_document() {
    let rig = Rig::new().await;
    let long = "x".repeat(300_000);
    let paragraphs: Vec<String> = (0..45).map(|number| format!("passage {number} {long}")).collect();
    let paragraphs: Vec<&str> = paragraphs.iter().map(String::as_str).collect();
    let receipt = rig.put("large", &paragraphs).await;
    let read = rig.tenant("t").document_with_text(&docs(), &id("large")).await.unwrap();
    let (_, text, passages) = read.unwrap();
    assert!(text.len() > 13_000_000 && text == paragraphs.join("\n"));
    assert!(passages.iter().all(|passage| passage.text.len() > 3 * 100_000) && passages.len() == 45);
    let found = rig.find("passage 44", Mode::Keyword, receipt.version).await;
    assert_eq!(found.results.iter().find(|result| result.ordinal == 44).unwrap().passage.text, paragraphs[44]);
    assert_eq!(rig.put("large", &paragraphs).await.status, WriteStatus::Unchanged);
}

/// Every write appends to the log, sets its tail and adds to two counters; all that are on their way at once go in at the first attempt.
#[tokio::test(flavor = "multi_thread")]
async fn a_hot_key_at_the_tail_of_the_log_makes_no_writer_wait() {
    const WRITERS: usize = 48;
    let rig = Rig::new().await;
    rig.put("first", &["makes the collection"]).await;
    let faults = Faults::default();
    let other = Engine::start(rig.store.with_faults(faults.clone()), rig.clock.clone(), &EngineOptions::default());
    other.ready(WAIT).await.unwrap();
    other.stop().await;
    // The transactions of all writers are open at the same time. Each writer commits two: that of the collection and that of the document.
    let delays = 4 * WRITERS;
    faults.on_commits(vec![Fault::Delay(Duration::from_millis(100)); delays]);
    let tenant = tenant(&other);
    let (name, spec) = (docs(), spec());
    let writes = (0..WRITERS).map(|writer| tenant.put(&name, &spec, document(&format!("doc{writer}"), &["words"])));
    let mut versions: Vec<Version> = join_all(writes).await.into_iter().map(|done| done.unwrap().version).collect();
    assert_eq!(delays - faults.left(), 2 * WRITERS, "nobody had to try again");
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), WRITERS);
    assert_eq!(rig.tenant("t").collection(&name).await.unwrap().documents, WRITERS as u64 + 1);
}

/// Versions are the commits' own, so whose clock is ahead does not matter; time only ends grace periods.
#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_are_hours_apart_decide_no_order() {
    let rig = Rig::new().await;
    let upkeep = UpkeepOptions { log_retention: Duration::ZERO, ..UpkeepOptions::default() };
    let options = EngineOptions { upkeep, ..EngineOptions::default() };
    let ahead = Engine::start(rig.store.clone(), manual(9), &options);
    let behind = Engine::start(rig.store.clone(), manual(0), &options);
    let mut last = Version::ZERO;
    for round in 0..6 {
        let (writer, who) = if round % 2 == 0 { (&ahead, "ahead") } else { (&behind, "behind") };
        let text = format!("round {round} by the one {who}");
        let receipt = tenant(writer).put(&docs(), &spec(), document("doc", &[&text])).await.unwrap();
        assert!(receipt.version > last, "{} after {last}", receipt.version);
        last = receipt.version;
        for engine in [&ahead, &behind] {
            let request =
                SearchRequest { mode: Mode::Keyword, min_version: Some(last), wait: WAIT, ..query_of("round") };
            let found = tenant(engine).search(request).await.unwrap();
            assert_eq!(found.results.iter().map(|it| it.passage.text.as_str()).collect::<Vec<_>>(), [text.as_str()]);
        }
        for engine in [&behind, &ahead] {
            for job in [UpkeepJob::Trim, UpkeepJob::Cleanup] {
                engine.upkeep(job).await.unwrap();
            }
        }
    }
    let (_, version) = tenant(&behind).delete(&docs(), &id("doc")).await.unwrap();
    assert!(version > last);
    for engine in [&ahead, &behind] {
        let request = SearchRequest { min_version: Some(version), wait: WAIT, ..query_of("round") };
        assert!(ids(&tenant(engine).search(request).await.unwrap()).is_empty());
        engine.stop().await;
    }
}

/// On the stand-in, where watches can be lost: what changes is then seen at the next look.
#[cfg(feature = "fdb")]
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_watch_delays_a_change_and_hides_none() {
    let dir = tempfile::TempDir::new().unwrap();
    let Some(store) = coditect_store::testing::open_standin(dir.path(), "watch_lost=1").await.unwrap() else { return };
    let clock = Clock::system();
    let engine = Engine::start(store, clock, &EngineOptions::default());
    engine.ready(WAIT).await.unwrap();
    for round in 0..4 {
        // The engine waits for its watch by the time that the write comes.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let text = format!("round {round}");
        let version = tenant(&engine).put(&docs(), &spec(), document("doc", &[&text])).await.unwrap().version;
        let request =
            SearchRequest { mode: Mode::Keyword, min_version: Some(version), wait: WAIT, ..query_of("round") };
        assert_eq!(tenant(&engine).search(request).await.unwrap().results[0].passage.text, text);
    }
    engine.stop().await;
}
