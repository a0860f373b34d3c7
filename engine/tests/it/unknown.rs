//! Commits whose result is unknown: a write that took place without its writer learning of it is not done again when others have written on top of it since.
//!
//! Found by the fault runs (`engine/tests/faults`): the second attempt of a write found another's state in place of its own and wrote again. So a document came back under a
//! generation that was already queued for clean-up, and lost its passages; a collection that others had made anew was dropped.

use std::time::Duration;

use coditect_engine::documents::ListQuery;
use coditect_engine::model::{Version, WriteStatus};
use coditect_engine::{Engine, EngineOptions, Tenant, UpkeepJob, UpkeepOptions};
use coditect_store::faults::{Fault, Faults};

use crate::harness::{Rig, WAIT, docs, document, id, spec, tenant_id};

const NOTHING: Fault = Fault::Delay(Duration::ZERO);

/// An engine whose commits and reads meet faults, beside one that meets none.
struct Pair {
    rig: Rig,
    faults: Faults,
    other: Engine,
}

impl Pair {
    async fn new() -> Self {
        let upkeep = UpkeepOptions { retired_grace: Duration::ZERO, ..UpkeepOptions::default() };
        let rig = Rig::with(EngineOptions { upkeep, ..EngineOptions::default() }).await;
        rig.put("kept", &["what is there all the time"]).await;
        let faults = Faults::default();
        let store = rig.store.with_faults(faults.clone());
        let other = Engine::start(store, rig.clock.clone(), &EngineOptions::default());
        let tenant = other.tenant(&tenant_id());
        other.ready(WAIT).await.unwrap();
        // From here on it neither follows nor looks: every read and commit is of the write that is tried.
        other.stop().await;
        drop(tenant);
        Self { rig, faults, other }
    }

    fn tenant(&self) -> Tenant {
        self.other.tenant(&tenant_id())
    }

    /// Runs `write` so that its last commit of so many takes place and nobody learns of it, and `meanwhile` before its next attempt reads anything.
    async fn unknown<T>(
        &self,
        reads: usize,
        commits: usize,
        write: impl Future<Output = T>,
        meanwhile: impl Future<Output = ()>,
    ) -> T {
        self.faults.on_commits((1..commits).map(|_| NOTHING).chain([Fault::UnknownApplied]));
        self.faults.on_reads((0..reads).map(|_| NOTHING).chain([Fault::Delay(Duration::from_millis(500))]));
        let meanwhile = async {
            let deadline = tokio::time::Instant::now() + WAIT;
            while self.faults.left() > 0 {
                assert!(tokio::time::Instant::now() < deadline, "the second attempt never came");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            meanwhile.await;
        };
        tokio::join!(write, meanwhile).0
    }

    /// Clears whatever is retired.
    async fn clean_up(&self) {
        self.rig.engine.upkeep(UpkeepJob::Cleanup).await.unwrap();
    }

    async fn text_of(&self, name: &str) -> Option<String> {
        let (tenant, collection, document) = (self.rig.tenant("t"), docs(), id(name));
        let read = tokio::time::timeout(WAIT, tenant.document_with_text(&collection, &document));
        read.await.expect("a document that is whole").unwrap().map(|(_, text, _)| text)
    }

    async fn names(&self) -> usize {
        let query = ListQuery { limit: 100, ..ListQuery::default() };
        self.rig.tenant("t").documents(&docs(), &query).await.unwrap().documents.len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_commit_result_does_not_bring_back_what_was_replaced_since() {
    let pair = Pair::new().await;
    let tenant = pair.tenant();
    let (name, spec) = (docs(), spec());
    let write = tenant.put(&name, &spec, document("doc", &["first"]));
    let mut second = Version::ZERO;
    let meanwhile = async { second = pair.rig.put("doc", &["second"]).await.version };
    // Reads of the collection, once more of it, and of the head; commits of the collection's transaction and of the write.
    let first = Box::pin(pair.unknown(3, 2, write, meanwhile)).await.unwrap();
    assert_eq!(first.status, WriteStatus::Created);
    assert!(first.version < second, "{} came before {second}", first.version);
    pair.clean_up().await;
    assert_eq!(pair.text_of("doc").await.as_deref(), Some("second"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_commit_result_does_not_bring_back_what_was_deleted_since() {
    let pair = Pair::new().await;
    let tenant = pair.tenant();
    let (name, spec) = (docs(), spec());
    let write = tenant.put(&name, &spec, document("doc", &["first"]));
    let meanwhile = async {
        assert!(pair.rig.tenant("t").delete(&docs(), &id("doc")).await.unwrap().0);
    };
    assert_eq!(pair.unknown(3, 2, write, meanwhile).await.unwrap().status, WriteStatus::Created);
    pair.clean_up().await;
    assert_eq!(pair.text_of("doc").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_commit_result_does_not_delete_what_was_written_since() {
    let pair = Pair::new().await;
    let tenant = pair.tenant();
    let (name, kept) = (docs(), id("kept"));
    let mut again = Version::ZERO;
    let meanwhile = async {
        let receipt = pair.rig.put("kept", &["again"]).await;
        assert_eq!(receipt.status, WriteStatus::Created, "the deletion has taken place");
        again = receipt.version;
    };
    let (deleted, version) = pair.unknown(2, 1, tenant.delete(&name, &kept), meanwhile).await.unwrap();
    assert!(deleted && version < again, "{version} came before {again}");
    pair.clean_up().await;
    assert_eq!(pair.text_of("kept").await.as_deref(), Some("again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_commit_result_does_not_drop_a_collection_that_was_made_since() {
    let pair = Pair::new().await;
    let tenant = pair.tenant();
    let name = docs();
    let mut made = Version::ZERO;
    let meanwhile = async { made = pair.rig.put("new", &["in the new collection"]).await.version };
    let dropped = pair.unknown(1, 1, tenant.drop_collection(&name), meanwhile).await.unwrap();
    assert!(dropped.is_some_and(|dropped| dropped < made), "{dropped:?} came before {made}");
    pair.clean_up().await;
    assert_eq!((pair.names().await, pair.text_of("new").await.as_deref()), (1, Some("in the new collection")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_commit_result_is_no_collection_that_was_not_there() {
    let pair = Pair::new().await;
    let tenant = pair.tenant();
    let name = docs();
    let dropped = pair.unknown(1, 1, tenant.drop_collection(&name), async {}).await.unwrap();
    assert!(dropped.is_some(), "it was there, and was dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_commit_result_does_not_make_a_dropped_collection_again() {
    let pair = Pair::new().await;
    let tenant = pair.tenant();
    let (name, spec) = (docs(), spec());
    pair.rig.tenant("t").drop_collection(&name).await.unwrap().unwrap();
    pair.clean_up().await;
    let meanwhile = async {
        pair.rig.put("old", &["goes with its collection"]).await;
        pair.rig.tenant("t").drop_collection(&docs()).await.unwrap().unwrap();
    };
    let (_, is_new) = pair.unknown(1, 1, tenant.ensure_collection(&name, &spec), meanwhile).await.unwrap();
    assert!(is_new);
    pair.rig.put("new", &["stays"]).await;
    // What is left of the dropped one is cleared by its identity.
    pair.clean_up().await;
    assert_eq!((pair.names().await, pair.text_of("new").await.as_deref()), (1, Some("stays")));
}
