//! Opening a store on FoundationDB: what is refused, with which words, and how it ends.

use std::time::Duration;

use coditect_store::{
    Error, ErrorKind, FdbCluster, FdbOptions, FdbTls, Priority, RunOptions, Store, TransactionOptions,
};

use crate::trials::{Trial, fresh_name};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::new("open::unusable_cluster_files_are_named".into(), unusable_cluster_files_are_named),
        Trial::new(
            "open::a_cluster_that_does_not_answer_is_given_up".into(),
            a_cluster_that_does_not_answer_is_given_up,
        ),
        Trial::new("open::other_tls_settings_are_refused".into(), other_tls_settings_are_refused),
        Trial::new("open::stores_of_one_cluster_share_their_keys".into(), stores_of_one_cluster_share_their_keys),
        Trial::new("open::a_closed_store_refuses".into(), a_closed_store_refuses),
        Trial::new("open::background_work_runs".into(), background_work_runs),
        Trial::new("open::a_client_that_is_cut_off_comes_back".into(), a_client_that_is_cut_off_comes_back),
    ]
}

fn named(name: &str, comment: &str) -> FdbOptions {
    FdbOptions::new(FdbCluster::ConnectionString(format!("{name}:standin@127.0.0.1:4500\n{comment}")))
}

async fn refusal(options: FdbOptions) -> (ErrorKind, String) {
    let error = Store::open_fdb(options).await.unwrap_err();
    (error.kind(), error.to_string())
}

async fn unusable_cluster_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.cluster");
    let (kind, message) = refusal(FdbOptions::new(FdbCluster::File(missing.clone()))).await;
    assert_eq!(kind, ErrorKind::Io);
    assert!(message.contains(missing.to_str().unwrap()) && message.contains("FDB_CLUSTER_FILE"), "{message}");
    let odd = dir.path().join("odd.cluster");
    std::fs::write(&odd, "not a cluster").unwrap();
    let (kind, message) = refusal(FdbOptions::new(FdbCluster::File(odd))).await;
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(message.contains("odd.cluster") && message.contains("description:id@"), "{message}");
    let (kind, message) = refusal(FdbOptions::new(FdbCluster::ConnectionString("a@b".into()))).await;
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(message.starts_with("FDB_CLUSTER_STRING"), "{message}");
}

async fn a_cluster_that_does_not_answer_is_given_up() {
    let mut options = named(&fresh_name(), "# faults: partition_ms=0-");
    options.start_timeout = Duration::from_millis(200);
    let (kind, message) = refusal(options).await;
    assert_eq!(kind, ErrorKind::Unavailable);
    assert!(message.contains("did not answer within 200ms: check"), "{message}");
}

async fn other_tls_settings_are_refused() {
    let store = Store::open_fdb(named(&fresh_name(), "")).await.unwrap();
    let mut options = named(&fresh_name(), "");
    options.tls = FdbTls { password: Some("secret".into()), ..FdbTls::default() };
    assert!(!format!("{options:?}").contains("secret"));
    let (kind, message) = refusal(options).await;
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(message.contains("TLS"), "{message}");
    store.close().await.unwrap();
}

async fn put(store: &Store, key: &'static [u8]) -> Result<(), Error> {
    let put = |tx: coditect_store::Transaction| async move {
        tx.set(key, b"1");
        Ok::<_, Error>(())
    };
    store.run_with(RunOptions::deadline(Duration::from_secs(5)), put).await
}

async fn stores_of_one_cluster_share_their_keys() {
    let name = fresh_name();
    let one = Store::open_fdb(named(&name, "")).await.unwrap();
    let two = Store::open_fdb(named(&name, "# the same cluster")).await.unwrap();
    let other = Store::open_fdb(named(&fresh_name(), "")).await.unwrap();
    put(&one, b"k").await.unwrap();
    assert!(two.begin().get(b"k").await.unwrap().is_some());
    assert!(other.begin().get(b"k").await.unwrap().is_none());
    one.close().await.unwrap();
    assert!(two.begin().get(b"k").await.unwrap().is_some(), "one store's end is not another's");
}

async fn a_closed_store_refuses() {
    let store = Store::open_fdb(named(&fresh_name(), "# faults: latency_ms=30")).await.unwrap();
    let (open, committing) = (store.begin(), store.begin());
    open.set(b"open", b"");
    committing.set(b"committing", b"");
    let commit = tokio::spawn(async move { committing.commit().await });
    tokio::task::yield_now().await;
    store.close().await.unwrap();
    assert!(!matches!(commit.await.unwrap(), Err(error) if error.kind() != ErrorKind::Closed), "done, or never begun");
    assert_eq!(open.commit().await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(store.begin().get(b"k").await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(put(&store, b"k").await.unwrap_err().kind(), ErrorKind::Closed);
    store.close().await.unwrap();
}

async fn background_work_runs() {
    let store = Store::open_fdb(named(&fresh_name(), "")).await.unwrap();
    let set = |tx: coditect_store::Transaction| async move {
        tx.set(b"k", b"1");
        Ok::<_, Error>(())
    };
    store.run_with(RunOptions::background("clean-up"), set).await.unwrap();
    let tag = Some("a tag of more than 16 bytes");
    let tx = store.begin_with(TransactionOptions { priority: Priority::Background, tag });
    tx.set(b"k", b"2");
    assert_eq!(tx.commit().await.unwrap_err().kind(), ErrorKind::Invalid);
    let tx = store.begin_with(TransactionOptions { priority: Priority::Background, tag: None });
    assert_eq!(tx.get(b"k").await.unwrap().as_deref(), Some(&b"1"[..]));
}

async fn a_client_that_is_cut_off_comes_back() {
    let name = fresh_name();
    let cut_off = Store::open_fdb(named(&name, "# faults: seed=1,partition_ms=300-900")).await.unwrap();
    let other = Store::open_fdb(named(&name, "")).await.unwrap();
    put(&cut_off, b"before").await.unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    let reading = tokio::spawn(async move { cut_off.begin().get(b"during").await });
    put(&other, b"during").await.unwrap();
    assert!(!reading.is_finished(), "the other client goes on meanwhile");
    assert_eq!(reading.await.unwrap().unwrap().as_deref(), Some(&b"1"[..]));
}
