//! The shortest way through the whole: write, read back, open again.

use coditect_store::{AtomicOp, EmbeddedOptions, Error, RangeQuery, Store};

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_embedded(EmbeddedOptions::new(dir.path())).await.unwrap();
    store
        .run(|tx| async move {
            tx.set(b"a", b"1");
            tx.set(b"b", b"2");
            tx.atomic(AtomicOp::Add, b"n", &5u64.to_le_bytes());
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
    let version = store.begin().read_version().await.unwrap();
    store.close().await.unwrap();

    let store = Store::open_embedded(EmbeddedOptions::new(dir.path())).await.unwrap();
    let tx = store.begin();
    assert_eq!(tx.read_version().await.unwrap(), version);
    assert_eq!(tx.get(b"a").await.unwrap().as_deref(), Some(&b"1"[..]));
    let all = tx.get_range(RangeQuery::prefix(b"")).await.unwrap();
    assert_eq!(all.items.len(), 3);
    assert!(!all.more);
    store.close().await.unwrap();
}
