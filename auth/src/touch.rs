//! Writing down that sessions are used: beside the requests, each session at most once in [`limits::TOUCH_EVERY`], and never over what others wrote.

use std::collections::HashSet;
use std::sync::Arc;

use coditect_store::{RunOptions, Store, TenantId};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::error::Result;
use crate::ids::SessionId;
use crate::keys::TenantKeys;
use crate::limits;
use crate::session::{Session, SessionStatus, to_millis};
use crate::sessions;

/// Notes uses of sessions, and writes them down in the background.
pub(crate) struct Toucher {
    sender: Mutex<Option<mpsc::Sender<Touch>>>,
    /// Sessions whose use waits or is being written down.
    pending: Arc<Mutex<HashSet<(TenantId, SessionId)>>>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

struct Touch {
    keys: TenantKeys,
    session: SessionId,
    at: Timestamp,
}

impl Toucher {
    pub(crate) fn start(store: Store) -> Self {
        let (sender, receiver) = mpsc::channel(limits::TOUCH_QUEUE);
        let pending = Arc::default();
        let worker = tokio::spawn(work(store, receiver, Arc::clone(&pending)));
        Self { sender: Mutex::new(Some(sender)), pending, worker: Mutex::new(Some(worker)) }
    }

    /// A session is used now. When that cannot be taken note of, the session's next request is.
    pub(crate) fn used(&self, keys: &TenantKeys, session: &Session, now: Timestamp) {
        if !is_due(session, now) {
            return;
        }
        let key = (keys.tenant().clone(), session.session_id.clone());
        if !self.pending.lock().insert(key.clone()) {
            return;
        }
        let touch = Touch { keys: keys.clone(), session: session.session_id.clone(), at: now };
        let sent = self.sender.lock().as_ref().is_some_and(|sender| sender.try_send(touch).is_ok());
        if !sent {
            metrics::counter!("auth_touches_total", "result" => "put_off").increment(1);
            self.pending.lock().remove(&key);
        }
    }

    /// Writes down what waits.
    pub(crate) async fn stop(&self) {
        drop(self.sender.lock().take());
        let worker = self.worker.lock().take();
        let Some(worker) = worker else { return };
        match tokio::time::timeout(limits::STOP_WAIT, worker).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the use of sessions was not written down"),
            Err(_) => tracing::warn!("the store takes too long: the last uses of sessions were not all written down"),
        }
    }
}

fn is_due(session: &Session, now: Timestamp) -> bool {
    let every = SignedDuration::try_from(limits::TOUCH_EVERY).unwrap_or(SignedDuration::ZERO);
    now.duration_since(session.last_access_at) >= every
}

async fn work(store: Store, mut touches: mpsc::Receiver<Touch>, pending: Arc<Mutex<HashSet<(TenantId, SessionId)>>>) {
    let (places, tasks) = (Arc::new(Semaphore::new(limits::TOUCH_CONCURRENCY)), TaskTracker::new());
    while let Some(touch) = touches.recv().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let (store, pending) = (store.clone(), Arc::clone(&pending));
        tasks.spawn(async move {
            let written = write(&store, &touch).await;
            if let Err(error) = &written {
                tracing::warn!(%error, "the use of a session was not written down: its next request is");
            }
            let result = if written.is_ok() { "written" } else { "failed" };
            metrics::counter!("auth_touches_total", "result" => result).increment(1);
            pending.lock().remove(&(touch.keys.tenant().clone(), touch.session));
            drop(place);
        });
    }
    tasks.close();
    tasks.wait().await;
}

/// Reads and writes the record in one transaction: what was ended or changed meanwhile stays so.
async fn write(store: &Store, touch: &Touch) -> Result<()> {
    let Touch { keys, session, at } = touch;
    store
        .run_with(RunOptions::deadline(limits::WRITE_WAIT), |tx| async move {
            match sessions::read(&tx, keys, session).await? {
                Some(session) if session.status == SessionStatus::Active && is_due(&session, *at) => {
                    sessions::write(&tx, keys, &Session { last_access_at: to_millis(*at), ..session })
                }
                _ => Ok(()),
            }
        })
        .await
}
