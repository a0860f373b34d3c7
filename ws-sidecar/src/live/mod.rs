//! The connections of this process: entered in the registry, watched for the end of their session, and closed when somebody says so.

mod seat;
mod upkeep;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coditect_auth::{ConnectionId, NewConnection, NewSidecar, SessionId};
use coditect_store::Clock;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Denied;
use crate::limits;
use crate::lookup::Lookup;
use crate::wire::{Close, code};
pub(crate) use seat::Seat;

/// All connections of this process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Live(Arc<Inner>);

struct Inner {
    lookup: Lookup,
    clock: Clock,
    sidecar: NewSidecar,
    store_grace: Duration,
    connections: Mutex<Connections>,
    sessions: Mutex<HashMap<SessionId, Watched>>,
    beside: TaskTracker,
    stop: CancellationToken,
    /// Whether the last beat reached the store.
    is_announced: AtomicBool,
}

#[derive(Default)]
struct Connections {
    entries: HashMap<ConnectionId, Entry>,
    /// Whether all of them, and those that come, are to end.
    is_ending: bool,
}

struct Entry {
    connection: NewConnection,
    order: watch::Sender<Option<Close>>,
}

/// A session with connections.
struct Watched {
    connections: usize,
    is_used: Arc<AtomicBool>,
    end: CancellationToken,
}

impl Live {
    pub(crate) fn new(lookup: Lookup, clock: Clock, sidecar: NewSidecar, store_grace: Duration) -> Self {
        Self(Arc::new(Inner {
            lookup,
            clock,
            sidecar,
            store_grace,
            connections: Mutex::default(),
            sessions: Mutex::default(),
            beside: TaskTracker::new(),
            stop: CancellationToken::new(),
            is_announced: AtomicBool::new(false),
        }))
    }

    /// Enters a connection of somebody who may connect.
    pub(crate) async fn enter(&self, session: SessionId, client: String, resumable: bool) -> Result<Seat, Denied> {
        let live = &*self.0;
        let (id, opened_at) = (ConnectionId::made(&live.clock), live.clock.now());
        let connection = NewConnection { id, session, client, resumable, opened_at };
        // It is watched before it is entered: what happens to the session from then on reaches it. Dropping the seat takes it out again.
        let seat = self.seat(connection.clone());
        live.lookup.connected(&live.sidecar, &connection).await?;
        Ok(seat)
    }

    fn seat(&self, connection: NewConnection) -> Seat {
        let (id, session) = (connection.id, connection.session.clone());
        let mut connections = self.0.connections.lock();
        let (order, ordered) = watch::channel(connections.is_ending.then(|| self.restart()));
        connections.entries.insert(id, Entry { connection, order });
        drop(connections);
        let is_used = self.watch(&session);
        Seat::new(id, session, ordered, is_used, self.clone())
    }

    /// What a client is told when the sidecar stops: each gets its own hint of when to come back.
    fn restart(&self) -> Close {
        let pause = 100 + self.0.clock.random() % limits::RETRY_SPREAD.as_millis() as u64;
        Close::new(code::RESTART, format!("retry after {pause} ms"))
    }

    /// Counts a connection of a session, which is watched from the first one on.
    fn watch(&self, session: &SessionId) -> Arc<AtomicBool> {
        let mut sessions = self.0.sessions.lock();
        let watched = sessions.entry(session.clone()).or_insert_with(|| {
            let (is_used, end) = (Arc::new(AtomicBool::new(false)), self.0.stop.child_token());
            let watching = upkeep::watch_session(self.clone(), session.clone(), is_used.clone());
            self.0.beside.spawn(end.clone().run_until_cancelled_owned(watching));
            Watched { connections: 0, is_used, end }
        });
        watched.connections += 1;
        watched.is_used.clone()
    }

    /// A connection of a session is gone.
    fn leave(&self, id: ConnectionId, session: &SessionId) {
        self.0.connections.lock().entries.remove(&id);
        let mut sessions = self.0.sessions.lock();
        if let Some(watched) = sessions.get_mut(session) {
            watched.connections -= 1;
            if watched.connections == 0 {
                watched.end.cancel();
                sessions.remove(session);
            }
        }
        // Without a runtime the process ends, and the lease runs out.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.0.beside.spawn_on(upkeep::take_out(self.clone(), id), &runtime);
        }
    }

    /// Closes all connections of a session.
    fn close_session(&self, session: &SessionId, close: &Close) {
        for entry in self.0.connections.lock().entries.values().filter(|entry| entry.connection.session == *session) {
            entry.order.send_replace(Some(close.clone()));
        }
    }

    /// Closes one connection, if it is there.
    fn close_one(&self, id: ConnectionId, close: &Close) {
        if let Some(entry) = self.0.connections.lock().entries.get(&id) {
            entry.order.send_replace(Some(close.clone()));
        }
    }

    /// Closes all connections, and those that are about to come. Answers how many there are.
    pub(crate) fn close_all(&self) -> usize {
        let mut connections = self.0.connections.lock();
        connections.is_ending = true;
        for entry in connections.entries.values() {
            entry.order.send_replace(Some(self.restart()));
        }
        connections.entries.len()
    }

    /// How many connections there are.
    pub(crate) fn count(&self) -> usize {
        self.0.connections.lock().entries.len()
    }

    /// Whether the registry knows this process.
    pub(crate) fn is_announced(&self) -> bool {
        self.0.is_announced.load(Ordering::Relaxed)
    }

    /// Keeps this process in the registry and does what is ordered there, until it stops.
    pub(crate) fn start(&self) {
        let (beating, obeying) = (upkeep::beat(self.clone()), upkeep::obey(self.clone()));
        self.0.beside.spawn(self.0.stop.clone().run_until_cancelled_owned(beating));
        self.0.beside.spawn(self.0.stop.clone().run_until_cancelled_owned(obeying));
    }

    /// Takes this process out of the registry, once its connections have ended or `wait` is over.
    pub(crate) async fn stop(&self) {
        self.0.stop.cancel();
        self.0.beside.close();
        let retired = async {
            self.0.beside.wait().await;
            self.0.lookup.retire(self.0.sidecar.id).await
        };
        match tokio::time::timeout(limits::CLOSE_WAIT, retired).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => tracing::warn!("the registry still has this sidecar until its lease runs out"),
            Err(_) => {
                tracing::warn!("the store takes too long: the registry has this sidecar until its lease runs out");
            }
        }
    }
}
