//! Tenants do not see each other.

use coditect_engine::ErrorKind;
use coditect_engine::documents::ListQuery;
use coditect_engine::search::SearchRequest;

use crate::harness::{Rig, WAIT, docs, document, id, query_of, spec};

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_s_data_does_not_exist() {
    let rig = Rig::new().await;
    let receipt = rig.put("secret.md", &["the secret fox"]).await;
    let other = rig.tenant("other");
    let not_found = |error: coditect_engine::Error| assert_eq!(*error.kind(), ErrorKind::NotFound, "{error}");
    other.wait_for(receipt.version, WAIT).await.unwrap();
    not_found(other.search(query_of("fox")).await.unwrap_err());
    not_found(other.collection(&docs()).await.unwrap_err());
    not_found(other.documents(&docs(), &ListQuery { limit: 10, ..ListQuery::default() }).await.unwrap_err());
    not_found(other.delete(&docs(), &id("secret.md")).await.unwrap_err());
    assert!(other.document(&docs(), &id("secret.md")).await.unwrap().is_none());
    assert!(other.drop_collection(&docs()).await.unwrap().is_none());
    assert!(other.collections(None, 10).await.unwrap().0.is_empty());
    let everywhere = SearchRequest { collections: vec![], ..query_of("fox") };
    assert!(other.search(everywhere.clone()).await.unwrap().results.is_empty());
    other.put(&docs(), &spec(), document("own.md", &["own fox"])).await.unwrap();
    other.drop_collection(&docs()).await.unwrap();
    assert_eq!(rig.tenant("t").search(everywhere).await.unwrap().results.len(), 1);
}
