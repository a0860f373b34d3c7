//! Recall on duty: it is measured as it is, moves the effort, and stays honest while documents come and go.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use coditect_engine::filter::Filter;
use coditect_engine::model::{
    CollectionChange, CollectionInfo, CollectionSpec, EmbedderInfo, NewDocument, NewPassage, PassageLocation,
    SearchChange, SearchInfo, SearchSettings, TextHash, Version,
};
use coditect_engine::search::{Mode, SearchRequest, SearchResponse, Vector};
use coditect_engine::{Engine, EngineOptions, ErrorKind, RecallOptions};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::harness::{Rig, WAIT, docs, document, embedder, spec};

/// Every search is picked, and checks rest as long as they work.
const BUSY: RecallOptions = RecallOptions { sample_share: 1.0, cpu_share: 1.0 };
/// Passages of a document.
const PASSAGES: usize = 500;
/// So many that a walk of little effort misses some.
const DIMENSION: usize = 256;

async fn rig(recall: RecallOptions) -> Rig {
    Rig::with(EngineOptions { recall, ..EngineOptions::default() }).await
}

fn with(search: SearchSettings) -> CollectionSpec {
    let embedder = EmbedderInfo { dimension: DIMENSION as u32, ..embedder() };
    CollectionSpec { embedder, tokens: None, search, ..spec() }
}

fn random(rng: &mut ChaCha8Rng) -> Vec<f32> {
    (0..DIMENSION).map(|_| (0..4).map(|_| rng.random_range(-1.0..1.0_f32)).sum()).collect()
}

/// A document whose passages point everywhere; `kind` is even or odd.
fn scattered(rng: &mut ChaCha8Rng, number: usize) -> NewDocument {
    let content_hash = rng.random::<u64>().to_string();
    let passages = (0..PASSAGES).map(|ordinal| {
        let text = format!("passage {ordinal} of {number}, {}", rng.random::<u64>());
        let location = PassageLocation { heading_path: Vec::new(), bytes: 0..1, lines: (1, 1) };
        let (embed_hash, vector) = (TextHash::of(&text), random(rng));
        NewPassage { index_text: text.clone(), text, location, embed_hash, vector, codes: None }
    });
    let kind = if number.is_multiple_of(2) { "even" } else { "odd" };
    NewDocument {
        kind: kind.into(),
        content_hash,
        passages: passages.collect(),
        ..document(&number.to_string(), &["x"])
    }
}

/// Makes the collection and fills it with `documents`.
async fn fill(rig: &Rig, rng: &mut ChaCha8Rng, documents: usize, search: SearchSettings) -> Version {
    let mut version = Version::ZERO;
    for number in 0..documents {
        let written = rig.tenant("t").put(&docs(), &with(search), scattered(rng, number)).await.unwrap();
        version = written.version;
    }
    rig.tenant("t").wait_for(version, WAIT).await.unwrap();
    version
}

/// A search for what the vector leg brings.
fn request(vector: Vec<f32>) -> SearchRequest {
    SearchRequest {
        vector: Some(Vector { values: vector, embedder: None }),
        collections: vec![docs().into()],
        mode: Mode::Vector,
        top_k: 100,
        fold_copies: false,
        ..SearchRequest::default()
    }
}

async fn search(rig: &Rig, request: SearchRequest) -> SearchResponse {
    rig.tenant("t").search(request).await.unwrap()
}

async fn known(rig: &Rig) -> SearchInfo {
    rig.tenant("t").collection(&docs()).await.unwrap().search
}

/// Searches until what is known is as wanted.
async fn until(rig: &Rig, rng: &mut ChaCha8Rng, wanted: impl Fn(&SearchInfo) -> bool) -> SearchInfo {
    for round in 0..20_000 {
        let filter = (round % 4 == 3).then(|| Filter::parse(&json!({"kind": "even"})).unwrap());
        search(rig, SearchRequest { filter, ..request(random(rng)) }).await;
        let known = known(rig).await;
        if wanted(&known) {
            return known;
        }
    }
    panic!("not as wanted: {:?}", known(rig).await);
}

/// The share of the exact answer that searches with the effort `ef`, or the collection's own, find.
async fn measured(rig: &Rig, rng: &mut ChaCha8Rng, ef: Option<usize>) -> f64 {
    let mut found = 0;
    for _ in 0..50 {
        let asked = request(random(rng));
        let exact = search(rig, SearchRequest { exact: true, ..asked.clone() }).await;
        let near = search(rig, SearchRequest { ef, ..asked }).await;
        let places = |response: &SearchResponse| -> Vec<(String, u32)> {
            response.results.iter().map(|result| (result.document.to_string(), result.ordinal)).collect()
        };
        let (exact, near) = (places(&exact), places(&near));
        found += near.iter().filter(|place| exact.contains(place)).count();
    }
    found as f64 / (50.0 * 100.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poor_recall_is_seen_and_mended() {
    let rig = rig(BUSY).await;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let poor = SearchSettings { recall_target: 0.96, ef_min: Some(10), ..SearchSettings::default() };
    fill(&rig, &mut rng, 10, poor).await;
    let before = measured(&rig, &mut rng, Some(10)).await;
    assert!(before < 0.95, "nothing to mend: {before}");

    let seen = until(&rig, &mut rng, |known| known.samples >= 5).await;
    assert!(seen.recall.unwrap() < 0.95 && seen.effort == 10, "{seen:?}");
    let mended = until(&rig, &mut rng, |known| known.samples >= 100 && known.recall > Some(0.96)).await;
    let after = measured(&rig, &mut rng, None).await;
    assert!(mended.effort > 100 && after > 0.95, "{after} {mended:?}");
    assert!((after - mended.recall.unwrap()).abs() < 0.02, "what is reported is what is: {after} {mended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_meanwhile_are_no_misses() {
    let rig = rig(BUSY).await;
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    // So wide a walk that it misses nothing, in a collection that is still too large to be compared whole.
    let wide = SearchSettings { ef: Some(4_000), ..SearchSettings::default() };
    fill(&rig, &mut rng, 10, wide).await;
    let (tenant, is_done, written) = (rig.tenant("t"), AtomicBool::new(false), AtomicUsize::new(0));
    let writes = async {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        while !is_done.load(Ordering::Relaxed) {
            let number = written.fetch_add(1, Ordering::Relaxed);
            let receipt = tenant.put(&docs(), &with(wide), scattered(&mut rng, number % 10)).await.unwrap();
            tenant.wait_for(receipt.version, WAIT).await.unwrap();
        }
    };
    let searches = async {
        let known = until(&rig, &mut rng, |known| known.samples >= 20 && written.load(Ordering::Relaxed) > 2).await;
        is_done.store(true, Ordering::Relaxed);
        known
    };
    let ((), known) = tokio::join!(writes, searches);
    assert!(known.recall.unwrap() > 0.999, "{known:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_keep_to_their_budget_and_can_be_switched_off() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for (recall, checked, dropped) in
        [(RecallOptions { cpu_share: 1e-6, ..BUSY }, 1, true), (RecallOptions { sample_share: 0.0, ..BUSY }, 0, false)]
    {
        let rig = rig(recall).await;
        fill(&rig, &mut rng, 5, SearchSettings::default()).await;
        for _ in 0..30 {
            search(&rig, request(random(&mut rng))).await;
        }
        // Stopping waits for a check that is under way, and not for the rest after it.
        tokio::time::timeout(WAIT, rig.engine.stop()).await.unwrap();
        let known = known(&rig).await;
        assert!(known.checked <= checked && (known.dropped >= 29) == dropped, "{recall:?}: {known:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_with_an_effort_of_its_own_is_not_counted_and_a_wrong_one_is_refused() {
    let rig = rig(BUSY).await;
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    fill(&rig, &mut rng, 5, SearchSettings::default()).await;
    for ef in [1, 10, 4_096] {
        search(&rig, SearchRequest { ef: Some(ef), ..request(random(&mut rng)) }).await;
    }
    search(&rig, SearchRequest { exact: true, ..request(random(&mut rng)) }).await;
    let known = known(&rig).await;
    assert_eq!((known.checked, known.dropped, known.recall), (0, 0, None));
    for ef in [0, 4_097, usize::MAX] {
        let wrong = SearchRequest { ef: Some(ef), ..request(random(&mut rng)) };
        let error = rig.tenant("t").search(wrong).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Invalid { pointer: "/ef".into() });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_settings_reach_every_engine_and_outlast_a_restart() {
    let rig = Rig::new().await;
    let other = Engine::start(rig.store.clone(), rig.clock.clone(), &EngineOptions::default());
    let tenant = rig.tenant("t");
    tenant.ensure_collection(&docs(), &spec()).await.unwrap();
    let change = |ef| CollectionChange {
        description: Some("changed".into()),
        search: SearchChange { recall_target: Some(Some(0.9)), ef: Some(ef), ..SearchChange::default() },
    };
    let changed = tenant.alter_collection(&docs(), &change(Some(300))).await.unwrap();
    let settings = SearchSettings { recall_target: 0.9, ef: Some(300), ef_min: None };
    assert_eq!((changed.search.settings, changed.description.as_str()), (settings, "changed"));
    let there = other.tenant(tenant.id());
    let effort = async |effort: usize| {
        let both = async || [tenant.collection(&docs()).await.unwrap(), there.collection(&docs()).await.unwrap()];
        let is_so = |infos: &[CollectionInfo; 2]| infos.iter().all(|info| info.search.effort == effort);
        let reached = async {
            while !is_so(&both().await) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(WAIT, reached).await.unwrap();
    };
    effort(300).await;
    tenant.alter_collection(&docs(), &change(None)).await.unwrap();
    effort(128).await;
    tenant.alter_collection(&docs(), &change(Some(77))).await.unwrap();
    effort(77).await;
    other.stop().await;
    drop((tenant, there, other));
    let rig = rig.restart().await;
    let info = rig.tenant("t").collection(&docs()).await.unwrap();
    assert_eq!((info.search.effort, info.search.settings.recall_target), (77, 0.9));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_out_of_range_are_refused() {
    let rig = Rig::new().await;
    let tenant = rig.tenant("t");
    let usual = SearchSettings::default();
    let cases = [
        (SearchSettings { recall_target: 0.4, ..usual }, "recall_target"),
        (SearchSettings { recall_target: 1.0, ..usual }, "recall_target"),
        (SearchSettings { recall_target: f64::NAN, ..usual }, "recall_target"),
        (SearchSettings { ef: Some(0), ..usual }, "ef"),
        (SearchSettings { ef: Some(4_097), ..usual }, "ef"),
        (SearchSettings { ef_min: Some(u32::MAX), ..usual }, "ef_min"),
    ];
    for (settings, field) in cases {
        let refused = ErrorKind::Invalid { pointer: format!("/search/{field}") };
        let made = tenant.ensure_collection(&docs(), &with(settings)).await.unwrap_err();
        assert_eq!(*made.kind(), refused, "{settings:?}");
    }
    tenant.ensure_collection(&docs(), &spec()).await.unwrap();
    let search = SearchChange { ef: Some(Some(5_000)), ..SearchChange::default() };
    let change = CollectionChange { search, ..CollectionChange::default() };
    let altered = tenant.alter_collection(&docs(), &change).await.unwrap_err();
    assert_eq!(*altered.kind(), ErrorKind::Invalid { pointer: "/search/ef".into() });
    assert_eq!(known(&rig).await.settings, usual);
}
