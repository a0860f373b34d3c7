//! Random writes, deletions and restarts against a plain map: after each step, state, counts and search agree with it.

use std::collections::BTreeMap;

use coditect_engine::model::Version;
use coditect_engine::search::{Mode, SearchRequest};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::harness::{Rig, docs, id, query_of};

async fn check(rig: &Rig, model: &BTreeMap<String, Vec<String>>, version: Version, seed: u64) {
    let info = rig.tenant("t").collection(&docs()).await.unwrap();
    let passages: usize = model.values().map(Vec::len).sum();
    assert_eq!((info.documents, info.passages), (model.len() as u64, passages as u64), "seed {seed}");
    for mode in [Mode::Vector, Mode::Keyword] {
        let request =
            SearchRequest { mode, top_k: 1_000, min_version: Some(version), fold_copies: false, ..query_of("word") };
        let response = rig.tenant("t").search(request).await.unwrap();
        let mut found: Vec<(String, u32, String)> = response
            .results
            .into_iter()
            .map(|result| (result.document.to_string(), result.ordinal, result.passage.text))
            .collect();
        found.sort();
        let expected: Vec<(String, u32, String)> = model
            .iter()
            .flat_map(|(id, texts)| (0..).zip(texts).map(|(ordinal, text)| (id.clone(), ordinal, text.clone())))
            .collect();
        assert_eq!(found, expected, "seed {seed}, {mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_histories_agree_with_a_map() {
    for seed in 0..4 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut rig = Rig::new().await;
        let mut model: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut version = rig.put("seed", &["word"]).await.version;
        model.insert("seed".into(), vec!["word".into()]);
        for step in 0..60 {
            let name = format!("doc{}", random.random_range(0..8));
            match random.random_range(0..10) {
                0 | 1 => {
                    let (deleted, at) = rig.tenant("t").delete(&docs(), &id(&name)).await.unwrap();
                    assert_eq!(deleted, model.remove(&name).is_some(), "seed {seed}");
                    version = at;
                }
                2 if step % 20 == 19 => rig = rig.restart().await,
                _ => {
                    let count = random.random_range(0..5);
                    let texts: Vec<String> =
                        (0..count).map(|_| format!("word {}", random.random_range(0..1_000))).collect();
                    version = rig.put(&name, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await.version;
                    model.insert(name, texts);
                }
            }
            if step % 10 == 9 {
                check(&rig, &model, version, seed).await;
            }
        }
        check(&rig, &model, version, seed).await;
    }
}
