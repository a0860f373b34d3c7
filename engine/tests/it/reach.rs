//! What a tenant's handle reaches: its own collections or some of them, what is shared with all, and nothing else; and who is told of its changes.

use std::sync::{Arc, Mutex};

use coditect_engine::documents::{ListQuery, Observer};
use coditect_engine::model::{CollectionName, CollectionRef, TenantId, Version};
use coditect_engine::search::{Mode, SearchRequest};
use coditect_engine::{ErrorKind, Tenant};

use crate::harness::{Rig, WAIT, docs, document, id, query_of, spec};

async fn found(tenant: &Tenant, collections: &[&str], after: Version) -> coditect_engine::Result<Vec<String>> {
    let collections = collections.iter().map(|name| name.parse().unwrap()).collect();
    let request = SearchRequest {
        collections,
        min_version: Some(after),
        wait: WAIT,
        mode: Mode::Keyword,
        fold_copies: false,
        ..query_of("everybody knows")
    };
    let results = tenant.search(request).await?.results;
    let mut places: Vec<String> = results.iter().map(|it| format!("{}/{}", it.collection, it.document)).collect();
    places.sort();
    Ok(places)
}

fn shared() -> TenantId {
    TenantId::new("shared").unwrap()
}

fn name(text: &str) -> CollectionName {
    CollectionName::new(text).unwrap()
}

/// A document in `docs` and one in `more` of a tenant, of the shared one, and of a third.
async fn written(rig: &Rig) -> Version {
    let mut last = Version::ZERO;
    for tenant in ["t", "shared", "third"] {
        for collection in ["docs", "more"] {
            let text = format!("what everybody knows of {tenant}");
            let document = document(tenant, &[&text]);
            last = rig.tenant(tenant).put(&name(collection), &spec(), document).await.unwrap().version;
        }
    }
    last
}

#[tokio::test]
async fn what_is_shared_is_read_by_all_beside_their_own() {
    let rig = Rig::new().await;
    let last = written(&rig).await;
    let tenant = rig.tenant("t").sharing(&shared());
    let all = found(&tenant, &[], last).await.unwrap();
    assert_eq!(all, ["docs/t", "more/t", "shared:docs/shared", "shared:more/shared"]);
    assert_eq!(found(&tenant, &["shared:docs"], last).await.unwrap(), ["shared:docs/shared"]);
    assert_eq!(found(&tenant, &["docs", "shared:docs"], last).await.unwrap(), ["docs/t", "shared:docs/shared"]);
    assert_eq!(found(&rig.tenant("t"), &[], last).await.unwrap(), ["docs/t", "more/t"], "only where it is wanted");
    let own = rig.tenant("shared").sharing(&shared());
    assert_eq!(found(&own, &[], last).await.unwrap(), ["docs/shared", "more/shared"], "its own are no others'");
    let place: CollectionRef = "shared:docs".parse().unwrap();
    let reading = tenant.reading(&place).unwrap();
    assert_eq!(reading.info().await.unwrap().documents, 1);
    assert!(reading.document_with_text(&id("shared")).await.unwrap().is_some());
    assert!(reading.document_with_text(&id("t")).await.unwrap().is_none());
    let listing = ListQuery { limit: 10, ..ListQuery::default() };
    assert_eq!(reading.documents(&listing).await.unwrap().documents.len(), 1);
    let (shared, _) = tenant.shared_collections(None, 10).await.unwrap();
    assert_eq!(shared.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["docs", "more"]);
    for missing in ["shared:nothing", "nothing"] {
        assert_eq!(*found(&tenant, &[missing], last).await.unwrap_err().kind(), ErrorKind::NotFound, "{missing}");
    }
    assert_eq!(*found(&rig.tenant("t"), &["shared:docs"], last).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_confined_handle_sees_no_more_than_a_stranger() {
    let rig = Rig::new().await;
    let last = written(&rig).await;
    let only = [name("more"), name("future")].into();
    let confined = rig.tenant("t").sharing(&shared()).confined_to(only);
    assert_eq!(found(&confined, &[], last).await.unwrap(), ["more/t"]);
    let said = async |collection: &str| found(&confined, &[collection], last).await.unwrap_err().to_string();
    assert_eq!(said("docs").await, said("zzzz").await.replace("zzzz", "docs"));
    assert_eq!(said("shared:docs").await, said("shared:zzzz").await.replace("zzzz", "docs"));
    let not_found = |error: coditect_engine::Error| assert_eq!(*error.kind(), ErrorKind::NotFound, "{error}");
    not_found(confined.collection(&docs()).await.unwrap_err());
    not_found(confined.put(&docs(), &spec(), document("t", &["x"])).await.unwrap_err());
    not_found(confined.delete(&docs(), &id("t")).await.unwrap_err());
    not_found(confined.document(&docs(), &id("t")).await.unwrap_err());
    not_found(confined.ensure_collection(&docs(), &spec()).await.unwrap_err());
    not_found(confined.record_failure(&docs(), &id("t"), "x").await.unwrap_err());
    not_found(confined.alter_collection(&docs(), &Default::default()).await.unwrap_err());
    assert_eq!(confined.drop_collection(&docs()).await.unwrap(), None);
    let names = async |limit| {
        let (infos, more) = confined.collections(None, limit).await.unwrap();
        (infos.into_iter().map(|it| it.name.to_string()).collect::<Vec<_>>(), more)
    };
    assert_eq!(names(10).await, (vec!["more".to_owned()], false));
    assert_eq!(names(1).await.0, ["more"], "those that cannot be reached take no place");
    assert!(confined.shared_collections(None, 10).await.unwrap().0.is_empty());
    confined.put(&name("future"), &spec(), document("new", &["what everybody knows"])).await.unwrap();
}

#[tokio::test]
async fn each_change_is_told_in_its_own_commit() {
    let rig = Rig::new().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let listening = told.clone();
    let observer = Observer::new(move |tx, noted| {
        let text = format!("{noted:?}");
        tx.set(format!("told/{}", listening.lock().unwrap().len()).as_bytes(), text.as_bytes());
        listening.lock().unwrap().push(text);
        Ok(())
    });
    let tenant = rig.tenant("t").observed_by(observer);
    tenant.put(&docs(), &spec(), document("a", &["x"])).await.unwrap();
    tenant.put(&docs(), &spec(), document("a", &["x"])).await.unwrap();
    tenant.delete(&docs(), &id("a")).await.unwrap();
    tenant.drop_collection(&docs()).await.unwrap();
    rig.tenant("t").put(&docs(), &spec(), document("a", &["x"])).await.unwrap();
    let expected = [
        r#"CollectionCreated(CollectionName("docs"))"#,
        r#"DocumentPut(CollectionName("docs"), DocumentId("a"))"#,
        r#"DocumentDeleted(CollectionName("docs"), DocumentId("a"))"#,
        r#"CollectionDropped(CollectionName("docs"))"#,
    ];
    assert_eq!(*told.lock().unwrap(), expected, "what changes nothing is not told");
    for (number, expected) in expected.iter().enumerate() {
        let key = &format!("told/{number}");
        let read = rig.store.run(|tx| async move { tx.get(key.as_bytes()).await });
        assert_eq!(read.await.unwrap().unwrap(), expected.as_bytes());
    }
}
