//! A search sees all of a document's old state or all of its new one, in every mode, while it is replaced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coditect_engine::search::{Mode, SearchRequest};

use crate::harness::{Rig, query_of};

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
