//! A connection's entry among the live ones, held for as long as the connection lasts, and for a channel while its client is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coditect_auth::{ConnectionId, SessionId};
use tokio::sync::watch;

use super::Live;
use crate::wire::Close;

/// It is in the registry until this is dropped.
pub(crate) struct Seat {
    pub(crate) id: ConnectionId,
    session: SessionId,
    order: watch::Receiver<Option<Close>>,
    is_used: Arc<AtomicBool>,
    live: Live,
}

impl Seat {
    pub(super) fn new(
        id: ConnectionId,
        session: SessionId,
        order: watch::Receiver<Option<Close>>,
        is_used: Arc<AtomicBool>,
        live: Live,
    ) -> Self {
        Self { id, session, order, is_used, live }
    }

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
        self.live.leave(self.id, &self.session);
    }
}
