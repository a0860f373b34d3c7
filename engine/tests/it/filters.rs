//! Filters: the same meaning in every mode, over metadata and built-in fields.

use coditect_engine::filter::Filter;
use coditect_engine::search::{Mode, SearchRequest};
use serde_json::json;

use crate::harness::{Rig, docs, document, ids, query_of, spec};

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_means_the_same_in_every_mode() {
    let rig = Rig::new().await;
    let mut version = None;
    for i in 0..20 {
        let mut new = document(&format!("doc{i:02}"), &["common words here"]);
        new.passages[0].text.push_str(&format!(" {i}"));
        new.metadata.insert("number".into(), i.into());
        new.metadata.insert("tags".into(), json!([format!("t{}", i % 3), "all"]));
        new.kind = if i < 10 { "code".into() } else { "documentation".into() };
        version = Some(rig.tenant("t").put(&docs(), &spec(), new).await.unwrap().version);
    }
    let cases = [
        (json!({"kind": {"eq": "code"}}), 10),
        (json!({"number": {"gte": 15}}), 5),
        (json!({"and": [{"number": {"lt": 10}}, {"tags": {"eq": "t0"}}]}), 4),
        (json!({"document_id": {"prefix": "doc1"}}), 10),
        (json!({"not": {"kind": {"eq": "code"}}}), 10),
        (json!({"absent": {"exists": true}}), 0),
    ];
    for (filter, expected) in cases {
        let mut answers = Vec::new();
        for mode in [Mode::Hybrid, Mode::Vector, Mode::Keyword] {
            let parsed = Some(Filter::parse(&filter).unwrap());
            let request = SearchRequest {
                mode,
                top_k: 50,
                filter: parsed,
                min_version: version,
                fold_copies: false,
                ..query_of("common words")
            };
            let mut found = ids(&rig.tenant("t").search(request).await.unwrap());
            found.sort();
            assert_eq!(found.len(), expected, "{filter} in {mode:?}");
            answers.push(found);
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{filter}");
    }
}
