//! Which channels there are, so that a client that comes back is led to its own.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coditect_store::Clock;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::live::Seat;
use crate::side::Side;

/// A client that comes back: its new connection.
pub(crate) struct Attach {
    pub(crate) side: Side,
    pub(crate) seat: Seat,
    pub(crate) received: u64,
    /// Which attempt to come back it is.
    pub(crate) attempt: u64,
}

/// Channels by their keys. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Directory(Arc<Mutex<HashMap<String, mpsc::Sender<Attach>>>>);

/// A channel's entry: dropping it takes the channel out.
pub(crate) struct Listed {
    pub(crate) key: String,
    pub(crate) attach: mpsc::Receiver<Attach>,
    directory: Directory,
}

impl Directory {
    /// A new channel with a key that nobody guesses.
    pub(crate) fn enter(&self, clock: &Clock) -> Listed {
        let bytes: Vec<u8> = [clock.random(), clock.random()].iter().flat_map(|it| it.to_ne_bytes()).collect();
        let key = URL_SAFE_NO_PAD.encode(bytes);
        let (sender, attach) = mpsc::channel(1);
        self.0.lock().insert(key.clone(), sender);
        Listed { key, attach, directory: self.clone() }
    }

    /// Leads a connection to its channel; gives it back when there is none.
    pub(crate) async fn lead(&self, key: &str, attach: Attach) -> Result<(), Attach> {
        let sender = self.0.lock().get(key).cloned();
        match sender {
            Some(sender) => sender.send(attach).await.map_err(|unsent| unsent.0),
            None => Err(attach),
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.directory.0.lock().remove(&self.key);
    }
}
