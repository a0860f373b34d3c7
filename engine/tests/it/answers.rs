//! What searches answer, and what they should: what an engine answers that has its indexes from the documents alone.

use coditect_engine::model::TenantId;
use coditect_engine::search::{Mode, SearchRequest, SearchResult};
use coditect_engine::{Engine, EngineOptions, Tenant};
use coditect_store::{Clock, Store};

use crate::harness::{WAIT, query_of, query_tokens};

/// What documents of these tests say, and what is asked for.
pub(crate) const TEXTS: [&str; 4] =
    ["the lazy dog sleeps", "quick brown foxes jump", "over a fence of words", "where nobody looks"];

/// What searches in every mode answer, with scores and versions.
pub(crate) async fn answers(tenant: &Tenant) -> Vec<String> {
    let mut answers = Vec::new();
    for mode in [Mode::Hybrid, Mode::Vector, Mode::Keyword] {
        for query in TEXTS {
            let tokens = (mode == Mode::Hybrid).then(|| query_tokens(query));
            let request = SearchRequest { mode, top_k: 20, tokens, ..query_of(query) };
            let response = tenant.search(request).await.unwrap();
            let line = |it: &SearchResult| {
                let text = blake3::hash(format!("{:?}", it.passage).as_bytes()).to_hex();
                format!("{mode:?} {} {} {} {} {text}", it.document, it.version, it.ordinal, it.score)
            };
            answers.extend(response.results.iter().map(line));
        }
    }
    answers
}

/// What an engine answers that has its indexes from the documents alone, and nothing else in them.
pub(crate) async fn expected(store: &Store, tenant: &TenantId) -> Vec<String> {
    let engine = Engine::start(store.clone(), Clock::system(), &EngineOptions::default());
    engine.ready(WAIT).await.unwrap();
    let answers = answers(&engine.tenant(tenant)).await;
    engine.stop().await;
    answers
}

/// Waits until the answers are these: what was deleted counts in statistics until the indexes are tidied up.
pub(crate) async fn until_answers(tenant: &Tenant, expected: &[String]) {
    let deadline = tokio::time::Instant::now() + WAIT;
    loop {
        let now = answers(tenant).await;
        if now == expected {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{now:#?} instead of {expected:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
