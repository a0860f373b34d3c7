//! A store, a bucket behind the proxy, and engines on both.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coditect_engine::model::Version;
use coditect_engine::{Bucket, BucketOptions, Engine, EngineOptions, SnapshotInfo, SnapshotOptions, UpkeepOptions};
use coditect_store::{Clock, Store};
use tempfile::TempDir;

use crate::answers::{TEXTS, answers, expected};
use crate::faults::Fault;
use crate::harness::{WAIT, docs, document, open, spec, tenant_id, until_saved};
use crate::http::{self, Message};
use crate::log;
use crate::proxy::Proxy;
use crate::server::Server;

const PAUSE: Duration = Duration::from_millis(10);

pub(crate) struct Bed {
    pub(crate) store: Store,
    pub(crate) proxy: Proxy,
    /// Of the bucket; no other test has the same.
    pub(crate) url: String,
    name: String,
    server: Server,
    options: BucketOptions,
    _dir: TempDir,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        let options = BucketOptions {
            retries: 3,
            retry_pause: Duration::from_millis(5),
            retry_pause_max: Duration::from_millis(20),
            ..BucketOptions::default()
        };
        Self::with(options).await
    }

    pub(crate) async fn with(options: BucketOptions) -> Self {
        static BUCKETS: AtomicUsize = AtomicUsize::new(0);
        log::listen();
        let name = format!("bucket-{}", BUCKETS.fetch_add(1, Ordering::Relaxed));
        let server = Server::start();
        let make = Message::request("POST", "/storage/v1/b?project=tests", format!(r#"{{"name":"{name}"}}"#));
        assert_eq!(http::exchange(server.address, &make).await.unwrap().status(), 200);
        let dir = tempfile::tempdir().unwrap();
        let (store, proxy) = (open(dir.path()).await, Proxy::start(server.address).await);
        Self { store, proxy, url: format!("gs://{name}/some/place"), name, server, options, _dir: dir }
    }

    /// An engine that looks so often whether a snapshot is due.
    fn engine(&self, look: Duration) -> Engine {
        let environment = [
            ("GOOGLE_BASE_URL", format!("http://{}", self.proxy.address)),
            ("GOOGLE_SKIP_SIGNATURE", "true".to_owned()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value));
        let bucket = Bucket::open_with(&self.url, environment, self.options).unwrap();
        let snapshots = SnapshotOptions { interval: Duration::ZERO, ..SnapshotOptions::new(bucket) };
        let upkeep = UpkeepOptions { snapshot_look: look, ..UpkeepOptions::default() };
        let options = EngineOptions { snapshots: Some(snapshots), upkeep, ..EngineOptions::default() };
        Engine::start(self.store.clone(), Clock::system(), &options)
    }

    /// An engine that makes a snapshot of each change.
    pub(crate) async fn maker(&self) -> Engine {
        let engine = self.engine(PAUSE);
        engine.ready(WAIT).await.unwrap();
        engine
    }

    /// An engine that takes its indexes up from what is there and makes no snapshots.
    pub(crate) fn reader(&self) -> Engine {
        self.engine(Duration::from_secs(3_600))
    }

    /// A reader answers as the documents have it.
    pub(crate) async fn boot(&self) {
        let engine = self.reader();
        engine.ready(WAIT).await.unwrap();
        let found = answers(&engine.tenant(&tenant_id())).await;
        engine.stop().await;
        assert!(!found.is_empty());
        assert_eq!(found, expected(&self.store, &tenant_id()).await);
    }

    /// Two snapshots: of a document, and of another with it.
    pub(crate) async fn two_snapshots(&self) -> [SnapshotInfo; 2] {
        let maker = self.maker().await;
        let old = until_saved(&maker, put(&maker, "a").await).await;
        let new = until_saved(&maker, put(&maker, "b").await).await;
        maker.stop().await;
        [old, new]
    }

    /// The paths of all objects in the bucket.
    pub(crate) async fn objects(&self) -> Vec<String> {
        let list = Message::request("GET", &format!("/storage/v1/b/{}/o", self.name), "");
        let answer = http::exchange(self.server.address, &list).await.unwrap();
        let listed: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let name = |object: &serde_json::Value| object["name"].as_str().unwrap().to_owned();
        listed["items"].as_array().unwrap().iter().map(name).collect()
    }

    /// The objects that were written in whole, in the order of time; more than once where they were written again.
    pub(crate) fn written(&self) -> Vec<String> {
        let seen = self.proxy.seen().into_iter();
        seen.filter(|it| it.method == "PUT" && it.status == Some(200)).map(|it| it.path).collect()
    }

    /// The paths of requests that a fault happened to.
    pub(crate) fn hit(&self, fault: Fault) -> Vec<String> {
        self.proxy.seen().into_iter().filter(|it| it.fault == Some(fault)).map(|it| it.path).collect()
    }
}

/// Writes a document of two hundred passages and waits until it is visible.
pub(crate) async fn put(engine: &Engine, id: &str) -> Version {
    let texts: Vec<String> = (0..200).map(|number| format!("{} {id} {number}", TEXTS[number % 4])).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let tenant = engine.tenant(&tenant_id());
    let receipt = tenant.put(&docs(), &spec(), document(id, &texts)).await.unwrap();
    tenant.wait_for(receipt.version, WAIT).await.unwrap();
    receipt.version
}
