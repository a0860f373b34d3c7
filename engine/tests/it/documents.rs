//! Writing, reading back, listing and deleting documents.

use coditect_engine::documents::{ListQuery, Listed};
use coditect_engine::model::{DocumentState, WriteStatus};
use coditect_engine::search::Mode;
use coditect_engine::{ErrorKind, limits};

use crate::harness::{Rig, docs, document, id, spec};

#[tokio::test(flavor = "multi_thread")]
async fn a_write_says_what_it_did_and_in_which_version() {
    let rig = Rig::new().await;
    let created = rig.put("a", &["the quick fox"]).await;
    let unchanged = rig.put("a", &["the quick fox"]).await;
    let updated = rig.put("a", &["the slow fox", "and a hare"]).await;
    assert_eq!(created.status, WriteStatus::Created);
    assert_eq!((unchanged.status, unchanged.version), (WriteStatus::Unchanged, created.version));
    assert_eq!((updated.status, updated.passages), (WriteStatus::Updated, 2));
    assert!(updated.version > created.version);
    let info = rig.tenant("t").collection(&docs()).await.unwrap();
    assert_eq!((info.documents, info.passages), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_read_back_whole() {
    let rig = Rig::new().await;
    let written = rig.put("a/b:c%d! e", &["first line", "second line"]).await;
    let tenant = rig.tenant("t");
    let (stored, text, passages) = tenant.document_with_text(&docs(), &id("a/b:c%d! e")).await.unwrap().unwrap();
    assert_eq!(text, "first line\nsecond line");
    assert_eq!(stored.version, written.version);
    assert_eq!(passages.len(), 2);
    assert_eq!(passages[1].location.lines, (2, 2));
    let bytes = passages[1].location.bytes.clone();
    assert_eq!(&text[bytes.start as usize..bytes.end as usize], passages[1].text);
    assert!(tenant.document(&docs(), &id("other")).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_document_is_gone_from_state_counts_and_both_legs() {
    let rig = Rig::new().await;
    rig.put("a", &["zebra crossing"]).await;
    rig.put("b", &["zebra stripes"]).await;
    let (deleted, version) = rig.tenant("t").delete(&docs(), &id("a")).await.unwrap();
    assert!(deleted);
    for mode in [Mode::Hybrid, Mode::Vector, Mode::Keyword] {
        assert_eq!(crate::harness::ids(&rig.find("zebra", mode, version).await), ["b"], "{mode:?}");
    }
    assert!(rig.tenant("t").document(&docs(), &id("a")).await.unwrap().is_none());
    assert_eq!(rig.tenant("t").collection(&docs()).await.unwrap().documents, 1);
    let (again, _) = rig.tenant("t").delete(&docs(), &id("a")).await.unwrap();
    assert!(!again);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_pages_through_every_document_once() {
    let rig = Rig::new().await;
    let names: Vec<String> = (0..25).map(|i| format!("{}/{i:02}", if i % 2 == 0 { "even" } else { "odd" })).collect();
    for name in &names {
        rig.put(name, &["text"]).await;
    }
    for (prefix, expected) in [("", 25), ("even/", 13), ("odd/0", 5), ("none", 0)] {
        let mut query = ListQuery { prefix: prefix.into(), limit: 4, ..ListQuery::default() };
        let mut seen = Vec::new();
        loop {
            let page = rig.tenant("t").documents(&docs(), &query).await.unwrap();
            seen.extend(page.documents.iter().map(|listed| match listed {
                Listed::Stored(document) => document.id.to_string(),
                Listed::Failed { id, .. } => id.to_string(),
            }));
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen.len(), expected, "{prefix}");
        assert!(seen.is_sorted() && seen.iter().all(|name| name.starts_with(prefix)), "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_write_is_listed_until_one_succeeds() {
    let rig = Rig::new().await;
    rig.put("good", &["text"]).await;
    let tenant = rig.tenant("t");
    tenant.record_failure(&docs(), &id("bad"), "the embedder is away").await.unwrap();
    let query = ListQuery { limit: 10, state: DocumentState::Failed, ..ListQuery::default() };
    let page = tenant.documents(&docs(), &query).await.unwrap();
    assert!(matches!(&page.documents[..], [Listed::Failed { id, failure }]
        if id.as_str() == "bad" && failure.error == "the embedder is away"));
    rig.put("bad", &["text at last"]).await;
    assert!(tenant.documents(&docs(), &query).await.unwrap().documents.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_larger_than_a_transaction_goes_in_whole() {
    let rig = Rig::new().await;
    let paragraphs: Vec<String> =
        (0..3_000).map(|i| format!("paragraph {i} {}", "filler words ".repeat(100))).collect();
    let paragraphs: Vec<&str> = paragraphs.iter().map(String::as_str).collect();
    let receipt = rig.put("large", &paragraphs).await;
    assert_eq!(receipt.passages, 3_000);
    let (_, text, passages) = rig.tenant("t").document_with_text(&docs(), &id("large")).await.unwrap().unwrap();
    assert_eq!(text.len(), paragraphs.iter().map(|p| p.len() + 1).sum::<usize>() - 1);
    assert!(passages.iter().zip(&paragraphs).all(|(stored, written)| stored.text == **written));
    let found = rig.find("paragraph 2999", Mode::Keyword, receipt.version).await;
    assert_eq!(found.results[0].ordinal, 2_999);
    assert_eq!(rig.put("large", &paragraphs).await.status, WriteStatus::Unchanged);
    assert_eq!(rig.put("large", &["short now"]).await.status, WriteStatus::Updated);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_document_is_a_document_without_passages() {
    let rig = Rig::new().await;
    assert_eq!(rig.put("empty", &[]).await.passages, 0);
    let (_, text, passages) = rig.tenant("t").document_with_text(&docs(), &id("empty")).await.unwrap().unwrap();
    assert!(text.is_empty() && passages.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_bounds_is_refused_by_name() {
    let rig = Rig::new().await;
    let base = || document("a", &["text"]);
    let mut title = base();
    title.title = "t".repeat(limits::TITLE_BYTES + 1);
    let mut metadata = base();
    metadata.metadata.insert("k".into(), "v".repeat(limits::METADATA_BYTES).into());
    let mut short = base();
    short.passages[0].vector.pop();
    let mut nan = base();
    nan.passages[0].vector[3] = f32::NAN;
    for (document, pointer) in [(title, "/title"), (metadata, "/metadata"), (short, "/passages"), (nan, "/passages")] {
        let error = rig.tenant("t").put(&docs(), &spec(), document).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Invalid { pointer: pointer.into() }, "{error}");
    }
}
