//! A mock of the Kubernetes API over HTTP, with the rest of a cluster behind it: it keeps objects, applies, watches, has rights, and fails on request.

mod faults;
mod fields;
mod kinds;
mod kubelet;
mod objects;
mod selector;
mod serve;
mod status;
mod watches;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub(crate) use faults::{Fault, Faults};
pub(crate) use kinds::{Kind, Place};
use kubelet::Kubelet;
pub(crate) use kubelet::Node;
use objects::Objects;
use watches::Watching;

/// See the module.
pub(crate) struct Mock {
    pub(crate) url: String,
    state: Mutex<State>,
    gate: Arc<Notify>,
    /// The version that there is.
    changed: tokio::sync::watch::Sender<u64>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

struct State {
    objects: Objects,
    faults: Faults,
    kubelet: Kubelet,
    watching: Watching,
    requests: Vec<Request>,
    /// The reasons of all refusals that were no fault.
    refusals: Vec<String>,
}

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) at: Instant,
    pub(crate) verb: &'static str,
    pub(crate) path: String,
}

const TICK: Duration = Duration::from_millis(3);

impl Mock {
    /// A cluster whose nodes take so long to start and to stop a pod.
    pub(crate) async fn start(takes: Duration) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State {
            objects: Objects::default(),
            faults: Faults::default(),
            kubelet: Kubelet::new(takes),
            watching: Watching::default(),
            requests: Vec::new(),
            refusals: Vec::new(),
        };
        let mock = Arc::new(Self {
            url,
            state: Mutex::new(state),
            gate: Arc::default(),
            changed: tokio::sync::watch::Sender::new(0),
            tasks: Mutex::default(),
        });
        let serving = tokio::spawn(serve::serve(Arc::clone(&mock), listener));
        let ticking = tokio::spawn(Arc::clone(&mock).tick());
        mock.tasks.lock().extend([serving, ticking]);
        mock
    }

    pub(crate) fn stop(&self) {
        self.tasks.lock().drain(..).for_each(|task| task.abort());
    }

    async fn tick(self: Arc<Self>) {
        loop {
            tokio::time::sleep(TICK).await;
            self.with(|state| state.kubelet.tick(&mut state.objects, Instant::now()));
        }
    }

    /// Does something with the state, and tells the watches.
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        let done = f(&mut state);
        let version = state.objects.version;
        drop(state);
        self.changed.send_if_modified(|known| std::mem::replace(known, version) != version);
        done
    }

    pub(crate) fn faults<T>(&self, f: impl FnOnce(&mut Faults) -> T) -> T {
        self.with(|state| f(&mut state.faults))
    }

    /// Lets one request pass that waits at the gate.
    pub(crate) fn open_gate(&self) {
        self.gate.notify_one();
    }

    /// How the node treats pods with this in their names, from now on.
    pub(crate) fn node(&self, name: &str, node: Node) {
        self.with(|state| state.kubelet.nodes.push((name.to_owned(), node)));
    }

    /// Everything but the namespaces, which stay.
    pub(crate) fn places(&self) -> Vec<Place> {
        let places: Vec<Place> = self.state.lock().objects.all.keys().cloned().collect();
        places.into_iter().filter(|place| place.kind != Kind::Namespace).collect()
    }

    pub(crate) fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        self.state.lock().objects.get(&Place::new(kind, namespace, name)).ok()
    }

    /// Deletes an object as somebody else.
    pub(crate) fn delete(&self, kind: Kind, namespace: &str, name: &str) {
        self.with(|state| state.objects.delete(&Place::new(kind, namespace, name), None)).unwrap();
    }

    /// Makes an object as somebody else.
    pub(crate) fn create(&self, kind: Kind, namespace: &str, name: &str, object: Value) {
        self.with(|state| state.objects.create(&Place::new(kind, namespace, name), object, "kubectl")).unwrap();
    }

    /// Sets a field as somebody else.
    pub(crate) fn edit(&self, kind: Kind, namespace: &str, name: &str, pointer: &str, value: Value) {
        self.with(|state| state.objects.edit(&Place::new(kind, namespace, name), pointer, value, "kubectl"));
    }

    /// A namespace whose deletion does not end, or does from now on.
    pub(crate) fn keep_namespace(&self, name: &str, is_stuck: bool) {
        self.with(|state| match is_stuck {
            true => state.objects.stuck.insert(name.to_owned()),
            false => state.objects.stuck.remove(name),
        });
    }

    /// Cuts all watches, without a word.
    pub(crate) fn cut_watches(&self) {
        self.with(|state| state.watching.number += 1);
        self.changed.send_modify(|_| {});
    }

    /// Forgets the events so far: watches are told 410 Gone.
    pub(crate) fn expire_watches(&self) {
        self.with(|state| {
            state.objects.compacted = state.objects.version;
            state.objects.events.clear();
            state.watching.expiry += 1;
        });
        self.changed.send_modify(|_| {});
    }

    /// Forgets the events up to the last bookmark. Answers the version of that.
    pub(crate) fn compact(&self) -> u64 {
        self.with(|state| {
            let version = state.watching.bookmarked;
            state.objects.compacted = version;
            state.objects.events.retain(|event| event.version > version);
            version
        })
    }

    pub(crate) fn version(&self) -> u64 {
        self.state.lock().objects.version
    }

    /// Leaves events out of all watches, or no more.
    pub(crate) fn omit_events(&self, is_omitted: bool) {
        self.with(|state| state.watching.omitted = is_omitted);
    }

    /// Watches that have begun, and events that they have shown.
    pub(crate) fn watched(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.watching.begun, state.watching.shown)
    }

    /// How many requests were refused for this reason.
    pub(crate) fn refusals(&self, reason: &str) -> usize {
        self.state.lock().refusals.iter().filter(|it| *it == reason).count()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().requests.clone()
    }
}
