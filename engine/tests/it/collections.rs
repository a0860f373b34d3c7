//! Making, listing and dropping collections.

use coditect_engine::ErrorKind;
use coditect_engine::model::CollectionName;
use coditect_engine::search::{Mode, SearchRequest};

use crate::harness::{Rig, WAIT, docs, query_of, spec};

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_is_made_once_and_listed() {
    let rig = Rig::new().await;
    let tenant = rig.tenant("t");
    for name in ["b", "a", "c"] {
        let name = CollectionName::new(name).unwrap();
        assert!(tenant.ensure_collection(&name, &spec()).await.unwrap().1);
        assert!(!tenant.ensure_collection(&name, &spec()).await.unwrap().1);
    }
    let (first, more) = tenant.collections(None, 2).await.unwrap();
    let (rest, end) = tenant.collections(Some(&first[1].name), 2).await.unwrap();
    let names: Vec<_> = first.iter().chain(&rest).map(|info| info.name.to_string()).collect();
    assert_eq!((names, more, end), (vec!["a".into(), "b".into(), "c".into()], true, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_collection_answers_with_nothing_and_an_unknown_one_with_not_found() {
    let rig = Rig::new().await;
    let tenant = rig.tenant("t");
    let error = tenant.search(query_of("fox")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotFound);
    tenant.ensure_collection(&docs(), &spec()).await.unwrap();
    assert!(tenant.search(query_of("fox")).await.unwrap().results.is_empty());
    assert_eq!(
        *tenant.collection(&CollectionName::new("none").unwrap()).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_collection_takes_everything_and_its_name_can_come_back() {
    let rig = Rig::new().await;
    rig.put("a", &["old fox"]).await;
    let tenant = rig.tenant("t");
    let version = tenant.drop_collection(&docs()).await.unwrap().unwrap();
    tenant.wait_for(version, WAIT).await.unwrap();
    assert_eq!(*tenant.search(query_of("fox")).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(tenant.drop_collection(&docs()).await.unwrap().is_none());
    let receipt = rig.put("b", &["new fox"]).await;
    let found = rig.find("fox", Mode::Hybrid, receipt.version).await;
    assert_eq!(crate::harness::ids(&found), ["b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_without_collections_searches_all_of_the_tenant() {
    let rig = Rig::new().await;
    rig.put("a", &["fox here"]).await;
    let other = CollectionName::new("other").unwrap();
    let receipt = rig.tenant("t").put(&other, &spec(), crate::harness::document("b", &["fox there"])).await.unwrap();
    let request = SearchRequest { collections: vec![], min_version: Some(receipt.version), ..query_of("fox") };
    let mut found = crate::harness::ids(&rig.tenant("t").search(request).await.unwrap());
    found.sort();
    assert_eq!(found, ["a", "b"]);
}
