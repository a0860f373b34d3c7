//! What goes on beside the connections: looking at their sessions, renewing the lease in the registry, doing what is ordered there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coditect_auth::{ConnectionId, NewConnection, SessionId};
use futures::StreamExt as _;
use tokio::time::Instant;

use super::{Inner, Live};
use crate::access::Denied;
use crate::limits;
use crate::wire::{Close, code};

/// Looks at a session whenever it changes and now and then, and closes its connections when it is not in force.
pub(super) async fn watch_session(live: Live, session: SessionId, is_used: Arc<AtomicBool>) {
    let mut last = Instant::now();
    loop {
        let used = is_used.swap(false, Ordering::Relaxed);
        match live.0.lookup.standing(&session, used).await {
            Ok(refusal) => {
                last = Instant::now();
                if let Some(refusal) = refusal {
                    // It goes on: a session that was suspended may be resumed while its connections are still ending.
                    live.close_session(&session, &Denied::from(refusal).close());
                    tokio::time::sleep(limits::REFUSED_PAUSE).await;
                }
            }
            Err(denied) => {
                is_used.fetch_or(used, Ordering::Relaxed);
                if denied != Denied::Away || last.elapsed() >= live.0.store_grace {
                    live.close_session(&session, &denied.close());
                }
                tokio::time::sleep(limits::STANDING_RETRY).await;
            }
        }
    }
}

/// Takes a connection that ended out of the registry, however long that takes.
pub(super) async fn take_out(live: Live, id: ConnectionId) {
    let Inner { lookup, stop, .. } = &*live.0;
    while lookup.disconnected(id).await.is_err() {
        tracing::warn!(connection = %id, "the registry still has a connection that ended");
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
        let announced = live.0.lookup.announce(&live.0.sidecar).await;
        match &announced {
            Ok(true) => {}
            // It is new there, or its lease ran out while the store was away, and its connections were taken out.
            Ok(false) => enter_again(&live).await,
            Err(_) => tracing::warn!("the sidecar could not renew its lease"),
        }
        live.0.is_announced.store(announced.is_ok(), Ordering::Relaxed);
        let pause = if announced.is_ok() { coditect_auth::limits::SIDECAR_BEAT } else { limits::STANDING_RETRY };
        tokio::time::sleep(pause).await;
    }
}

/// Enters all connections that there are.
async fn enter_again(live: &Live) {
    let all: Vec<NewConnection> = {
        let connections = live.0.connections.lock();
        connections.entries.values().map(|entry| entry.connection.clone()).collect()
    };
    // One after the other, many would take longer than the lease lasts.
    let entering = |connection| enter_once_more(live, connection);
    futures::stream::iter(all).for_each_concurrent(limits::ENTERING, entering).await;
}

async fn enter_once_more(live: &Live, connection: NewConnection) {
    if live.0.lookup.connected(&live.0.sidecar, &connection).await.is_err() {
        tracing::warn!(connection = %connection.id, "a connection could not be entered again");
    }
    if !live.0.connections.lock().entries.contains_key(&connection.id) {
        // It ended meanwhile, and may have been taken out before it was entered.
        take_out(live.clone(), connection.id).await;
    }
}

/// Closes the connections that somebody wants closed.
pub(super) async fn obey(live: Live) {
    let close = Close::new(code::FORBIDDEN, "the connection was closed by its user or an administrator");
    let mut seen = None;
    loop {
        match live.0.lookup.orders(live.0.sidecar.id, seen).await {
            Ok(orders) => {
                seen = orders.latest;
                orders.connections.iter().for_each(|id| live.close_one(*id, &close));
            }
            Err(_) => {
                tracing::warn!("the orders of this sidecar could not be read");
                tokio::time::sleep(limits::STANDING_RETRY).await;
            }
        }
    }
}
