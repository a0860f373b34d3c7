//! A search sees all of a document's old state or all of its new one, in every mode, while it is replaced.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coditect_engine::model::NewDocument;
use coditect_engine::search::{Mode, SearchRequest};

use crate::harness::{Rig, docs, document, id, query_of, spec};

const PASSAGES: usize = 6;

fn state(round: usize) -> Vec<String> {
    (0..PASSAGES).map(|i| format!("common topic part {i} of round {round}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replacement_never_shows_a_mixture_nor_a_hole() {
    let rig = Arc::new(Rig::new().await);
    let put = |round: usize| {
        let rig = rig.clone();
        async move {
            let texts = state(round);
            rig.put("doc", &texts.iter().map(String::as_str).collect::<Vec<_>>()).await
        }
    };
    let first = put(0).await;
    rig.find("common", Mode::Keyword, first.version).await;
    let done = Arc::new(AtomicBool::new(false));
    let searches = [Mode::Hybrid, Mode::Vector, Mode::Keyword].map(|mode| {
        let (rig, done) = (rig.clone(), done.clone());
        tokio::spawn(async move {
            let mut searches = 0;
            while !done.load(Ordering::Relaxed) {
                let request = SearchRequest { mode, top_k: 50, ..query_of("common topic part round") };
                let response = rig.tenant("t").search(request).await.unwrap();
                let generations: Vec<_> = response.results.iter().map(|r| r.version).collect();
                assert_eq!(generations.len(), PASSAGES, "{mode:?}: {generations:?}");
                assert!(generations.windows(2).all(|w| w[0] == w[1]), "{mode:?}: {generations:?}");
                searches += 1;
            }
            searches
        })
    });
    for round in 1..60 {
        put(round).await;
    }
    done.store(true, Ordering::Relaxed);
    for search in searches {
        assert!(search.await.unwrap() > 0);
    }
}

/// A document whose passages have ten kilobytes each, of which few are searched.
fn large(round: usize) -> NewDocument {
    const PARTS: usize = 5_000;
    let searched: Vec<String> = (0..PARTS).map(|part| format!("part {part} of round {round}")).collect();
    let mut document = document("large", &searched.iter().map(String::as_str).collect::<Vec<_>>());
    for passage in &mut document.passages {
        passage.text = format!("{:<10000}", passage.text);
    }
    document.text = document.passages.iter().map(|passage| passage.text.as_str()).collect();
    document
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_document_of_50_megabytes_is_replaced_at_once() {
    let rig = Arc::new(Rig::new().await);
    let put = async |round| rig.tenant("t").put(&docs(), &spec(), large(round)).await.unwrap();
    put(0).await;
    let done = Arc::new(AtomicBool::new(false));
    let reading = {
        let (rig, done) = (rig.clone(), done.clone());
        tokio::spawn(async move {
            let mut seen = BTreeSet::new();
            loop {
                let is_last = done.load(Ordering::Relaxed);
                let read = rig.tenant("t").document_with_text(&docs(), &id("large")).await.unwrap();
                let (stored, text, passages) = read.unwrap();
                let of_text: BTreeSet<&str> = text.split_whitespace().skip(4).step_by(5).collect();
                let of_passages = passages.iter().filter_map(|passage| passage.text.split_whitespace().nth(4));
                assert_eq!((of_text.len(), text.len(), passages.len()), (1, 50_000_000, 5_000));
                assert_eq!(of_passages.collect::<BTreeSet<_>>(), of_text, "{}", stored.version);
                seen.extend(of_text.first().map(|round| (*round).to_owned()));
                if is_last {
                    return seen;
                }
            }
        })
    };
    let last = put(1).await;
    done.store(true, Ordering::Relaxed);
    assert!(reading.await.unwrap().contains("1"));
    let found = rig.find("part 4321 of round 1", Mode::Keyword, last.version).await;
    assert_eq!(found.results[0].passage.text.trim_end(), "part 4321 of round 1");
}
