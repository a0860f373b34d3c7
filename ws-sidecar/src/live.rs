//! The connections of this process: entered in the registry, watched for the end of their session, and closed when somebody says so.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coditect_auth::{Auth, Caller, Connection, ConnectionId, SessionId, Sidecar};
use coditect_store::Clock;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::{Denied, chain};
use crate::limits;
use crate::listen::Place;
use crate::wire::{Close, code};

/// All connections of this process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Live(Arc<Inner>);

struct Inner {
    auth: Auth,
    clock: Clock,
    sidecar: Sidecar,
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
    session: SessionId,
    order: watch::Sender<Option<Close>>,
}

/// A session with connections.
struct Watched {
    connections: usize,
    is_used: Arc<AtomicBool>,
    end: CancellationToken,
}

/// A connection's place: it is in the registry until this is dropped.
pub(crate) struct Seat {
    pub(crate) id: ConnectionId,
    session: SessionId,
    order: watch::Receiver<Option<Close>>,
    is_used: Arc<AtomicBool>,
    live: Live,
    _place: Place,
}

impl Live {
    pub(crate) fn new(auth: Auth, clock: Clock, sidecar: Sidecar, store_grace: Duration) -> Self {
        Self(Arc::new(Inner {
            auth,
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
    pub(crate) async fn enter(
        &self,
        caller: &Caller,
        client: String,
        resumable: bool,
        place: Place,
    ) -> Result<Seat, Denied> {
        let live = &*self.0;
        let (user, session) = caller.user().zip(caller.session()).ok_or(Denied::Forbidden("no session".into()))?;
        let connection = Connection {
            id: ConnectionId::made(&live.clock),
            session: session.clone(),
            user: user.clone(),
            workspace: live.sidecar.workspace.clone(),
            sidecar: live.sidecar.id,
            client,
            resumable,
            opened_at: live.clock.now(),
        };
        let entered = live.auth.connected(caller, &live.sidecar, &connection).await;
        entered.map_err(|error| Denied::from(&error))?;
        let ordered = self.insert(connection.id, session);
        let is_used = self.watch(caller, session);
        Ok(Seat {
            id: connection.id,
            session: session.clone(),
            order: ordered,
            is_used,
            live: self.clone(),
            _place: place,
        })
    }

    fn insert(&self, id: ConnectionId, session: &SessionId) -> watch::Receiver<Option<Close>> {
        let mut connections = self.0.connections.lock();
        let (order, ordered) = watch::channel(connections.is_ending.then(|| self.restart()));
        connections.entries.insert(id, Entry { session: session.clone(), order });
        ordered
    }

    /// What a client is told when the sidecar stops: each gets its own hint of when to come back.
    fn restart(&self) -> Close {
        let pause = 100 + self.0.clock.random() % limits::RETRY_SPREAD.as_millis() as u64;
        Close::new(code::RESTART, format!("retry after {pause} ms"))
    }

    /// Counts a connection of a session, which is watched from the first one on.
    fn watch(&self, caller: &Caller, session: &SessionId) -> Arc<AtomicBool> {
        let mut sessions = self.0.sessions.lock();
        let watched = sessions.entry(session.clone()).or_insert_with(|| {
            let (is_used, end) = (Arc::new(AtomicBool::new(false)), self.0.stop.child_token());
            let watching = watch_session(self.clone(), caller.clone(), session.clone(), is_used.clone());
            self.0.beside.spawn(end.clone().run_until_cancelled_owned(watching));
            Watched { connections: 0, is_used, end }
        });
        watched.connections += 1;
        watched.is_used.clone()
    }

    /// Closes all connections of a session.
    fn close_session(&self, session: &SessionId, close: &Close) {
        for entry in self.0.connections.lock().entries.values().filter(|entry| entry.session == *session) {
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
        for work in
            [futures::future::Either::Left(beat(self.clone())), futures::future::Either::Right(obey(self.clone()))]
        {
            self.0.beside.spawn(self.0.stop.clone().run_until_cancelled_owned(work));
        }
    }

    /// Takes this process out of the registry, once its connections have ended or `wait` is over.
    pub(crate) async fn stop(&self) {
        self.0.stop.cancel();
        self.0.beside.close();
        let retired = async {
            self.0.beside.wait().await;
            self.0.auth.retire(&self.0.sidecar).await
        };
        match tokio::time::timeout(limits::CLOSE_WAIT, retired).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), "the registry still has this sidecar until its lease runs out");
            }
            Err(_) => {
                tracing::warn!("the store takes too long: the registry has this sidecar until its lease runs out");
            }
        }
    }
}

impl Seat {
    /// Waits for an order to close. Of several, the last counts.
    pub(crate) async fn ordered(&mut self) -> Close {
        loop {
            let order = self.order.borrow_and_update().clone();
            match order {
                Some(close) => return close,
                None if self.order.changed().await.is_ok() => {}
                None => std::future::pending().await,
            }
        }
    }

    /// The session is used: its time starts anew.
    pub(crate) fn used(&self) {
        if !self.is_used.load(Ordering::Relaxed) {
            self.is_used.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let live = &self.live.0;
        live.connections.lock().entries.remove(&self.id);
        let mut sessions = live.sessions.lock();
        if let Some(watched) = sessions.get_mut(&self.session) {
            watched.connections -= 1;
            if watched.connections == 0 {
                watched.end.cancel();
                sessions.remove(&self.session);
            }
        }
        let (live, id) = (self.live.clone(), self.id);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let leaving = async move {
                let Inner { auth, sidecar, .. } = &*live.0;
                if let Err(error) = auth.disconnected(&sidecar.tenant, id).await {
                    tracing::warn!(connection = %id, error = %chain(&error), "the registry has a connection that ended");
                }
            };
            self.live.0.beside.spawn_on(leaving, &runtime);
        }
    }
}

/// Looks at a session whenever it changes and now and then, and closes its connections when it is not in force.
async fn watch_session(live: Live, caller: Caller, session: SessionId, is_used: Arc<AtomicBool>) {
    let mut last = Instant::now();
    loop {
        let used = is_used.swap(false, Ordering::Relaxed);
        let standing = match live.0.auth.standing(&caller, used).await {
            Ok(standing) => standing,
            Err(error) => {
                is_used.fetch_or(used, Ordering::Relaxed);
                let denied = Denied::from(&error);
                if denied != Denied::Away || last.elapsed() >= live.0.store_grace {
                    return live.close_session(&session, &denied.close());
                }
                tokio::time::sleep(limits::STANDING_RETRY).await;
                continue;
            }
        };
        last = Instant::now();
        if let Some(refusal) = standing.refusal() {
            return live.close_session(&session, &Denied::from(refusal).close());
        }
        // A lost watch ends at once: it must not become a busy loop.
        let changed = async {
            tokio::time::sleep(limits::STANDING_PAUSE).await;
            standing.changed().await;
        };
        let _ = tokio::time::timeout(limits::STANDING_EVERY, changed).await;
    }
}

/// Renews the lease of this process.
async fn beat(live: Live) {
    loop {
        let announced = live.0.auth.announce(&live.0.sidecar).await;
        if let Err(error) = &announced {
            tracing::warn!(error = %chain(error), "the sidecar could not renew its lease");
        }
        live.0.is_announced.store(announced.is_ok(), Ordering::Relaxed);
        let pause = if announced.is_ok() { coditect_auth::limits::SIDECAR_BEAT } else { limits::STANDING_RETRY };
        tokio::time::sleep(pause).await;
    }
}

/// Closes the connections that somebody wants closed.
async fn obey(live: Live) {
    loop {
        let (ids, more) = match live.0.auth.close_orders(&live.0.sidecar).await {
            Ok(orders) => orders,
            Err(_) => {
                tokio::time::sleep(limits::STANDING_RETRY).await;
                continue;
            }
        };
        let close = Close::new(code::FORBIDDEN, "the connection was closed by its user or an administrator");
        for id in &ids {
            if let Some(entry) = live.0.connections.lock().entries.get(id) {
                entry.order.send_replace(Some(close.clone()));
            }
        }
        let changed = async {
            tokio::time::sleep(limits::STANDING_PAUSE).await;
            let _ = more.await;
        };
        let _ = tokio::time::timeout(limits::STANDING_EVERY, changed).await;
    }
}
