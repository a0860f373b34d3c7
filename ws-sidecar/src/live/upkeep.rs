//! What goes on beside the connections: looking at their sessions, renewing the lease in the registry, doing what is ordered there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coditect_auth::{Caller, Connection, ConnectionId, SessionId};
use tokio::time::Instant;

use super::{Inner, Live};
use crate::access::{Denied, chain};
use crate::limits;
use crate::wire::{Close, code};

/// Looks at a session whenever it changes and now and then, and closes its connections when it is not in force.
pub(super) async fn watch_session(live: Live, caller: Caller, session: SessionId, is_used: Arc<AtomicBool>) {
    let mut last = Instant::now();
    loop {
        let used = is_used.swap(false, Ordering::Relaxed);
        let standing = match live.0.auth.standing(&caller, used).await {
            Ok(standing) => standing,
            Err(error) => {
                is_used.fetch_or(used, Ordering::Relaxed);
                let denied = Denied::from(&error);
                if denied != Denied::Away || last.elapsed() >= live.0.store_grace {
                    live.close_session(&session, &denied.close());
                }
                tokio::time::sleep(limits::STANDING_RETRY).await;
                continue;
            }
        };
        last = Instant::now();
        if let Some(refusal) = standing.refusal() {
            // It goes on: a session that was suspended may be resumed while its connections are still ending.
            live.close_session(&session, &Denied::from(refusal).close());
        }
        either(standing.changed()).await;
    }
}

/// Waits for a change, or for when it is time to look anyway. A store may lose a watch, which then ends at once: that must not become a busy loop.
async fn either(changed: impl Future) {
    tokio::time::sleep(limits::STANDING_PAUSE).await;
    let _ = tokio::time::timeout(limits::STANDING_EVERY, changed).await;
}

/// Takes a connection that ended out of the registry, however long that takes.
pub(super) async fn take_out(live: Live, id: ConnectionId) {
    let Inner { auth, sidecar, stop, .. } = &*live.0;
    while let Err(error) = auth.disconnected(&sidecar.tenant, id).await {
        tracing::warn!(connection = %id, error = %chain(&error), "the registry still has a connection that ended");
        let pause = tokio::time::sleep(limits::STANDING_RETRY);
        if stop.run_until_cancelled(pause).await.is_none() {
            // All of this process is taken out at its end.
            return;
        }
    }
}

/// Renews the lease of this process.
pub(super) async fn beat(live: Live) {
    loop {
        let announced = live.0.auth.announce(&live.0.sidecar).await;
        match &announced {
            Ok(true) => {}
            // It is new there, or its lease ran out while the store was away, and its connections were taken out.
            Ok(false) => enter_again(&live).await,
            Err(error) => tracing::warn!(error = %chain(error), "the sidecar could not renew its lease"),
        }
        live.0.is_announced.store(announced.is_ok(), Ordering::Relaxed);
        let pause = if announced.is_ok() { coditect_auth::limits::SIDECAR_BEAT } else { limits::STANDING_RETRY };
        tokio::time::sleep(pause).await;
    }
}

/// Enters all connections that there are.
async fn enter_again(live: &Live) {
    let all: Vec<(Caller, Connection)> = {
        let connections = live.0.connections.lock();
        connections.entries.values().map(|entry| (entry.caller.clone(), entry.connection.clone())).collect()
    };
    for (caller, connection) in all {
        if let Err(error) = live.0.auth.connected(&caller, &live.0.sidecar, &connection).await {
            tracing::warn!(connection = %connection.id, error = %chain(&error), "a connection could not be entered again");
        }
        if !live.0.connections.lock().entries.contains_key(&connection.id) {
            // It ended meanwhile, and may have been taken out before it was entered.
            take_out(live.clone(), connection.id).await;
        }
    }
}

/// Closes the connections that somebody wants closed.
pub(super) async fn obey(live: Live) {
    let close = Close::new(code::FORBIDDEN, "the connection was closed by its user or an administrator");
    loop {
        match live.0.auth.close_orders(&live.0.sidecar).await {
            Ok((ids, more)) => {
                ids.iter().for_each(|id| live.close_one(*id, &close));
                either(more).await;
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "the orders of this sidecar could not be read");
                tokio::time::sleep(limits::STANDING_RETRY).await;
            }
        }
    }
}
