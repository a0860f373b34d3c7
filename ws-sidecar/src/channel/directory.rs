//! Which channels there are, so that a client that comes back is led to its own, and how many there may be.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coditect_store::Clock;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::Instant;

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
#[derive(Clone)]
pub(crate) struct Directory {
    channels: Arc<Mutex<HashMap<String, Entry>>>,
    most: usize,
}

struct Entry {
    attach: mpsc::Sender<Attach>,
    /// Since when its client is away.
    away: Option<Instant>,
}

/// A channel's entry: dropping it takes the channel out.
pub(crate) struct Listed {
    pub(crate) key: String,
    attach: mpsc::Receiver<Attach>,
    away: Option<Instant>,
    directory: Directory,
}

impl Directory {
    /// A directory of at most so many channels. Those with a connection count among the connections, so that it can only be full when clients are away.
    pub(crate) fn new(most: usize) -> Self {
        Self { channels: Arc::default(), most }
    }

    /// A new channel with a key that nobody guesses. When there are as many as may be, the one whose client has been away for longest makes room.
    pub(crate) fn enter(&self, clock: &Clock) -> Listed {
        let bytes: Vec<u8> = [clock.random(), clock.random()].iter().flat_map(|it| it.to_ne_bytes()).collect();
        let key = URL_SAFE_NO_PAD.encode(bytes);
        let (sender, attach) = mpsc::channel(1);
        let mut channels = self.channels.lock();
        if channels.len() >= self.most {
            let away = channels.iter().filter_map(|(key, entry)| Some((entry.away?, key.clone())));
            if let Some((_, longest)) = away.min() {
                channels.remove(&longest);
            }
        }
        channels.insert(key.clone(), Entry { attach: sender, away: None });
        drop(channels);
        Listed { key, attach, away: None, directory: self.clone() }
    }

    /// Leads a connection to its channel; gives it back when there is none.
    pub(crate) async fn lead(&self, key: &str, attach: Attach) -> Result<(), Attach> {
        let sender = self.channels.lock().get(key).map(|entry| entry.attach.clone());
        match sender {
            Some(sender) => sender.send(attach).await.map_err(|unsent| unsent.0),
            None => Err(attach),
        }
    }
}

impl Listed {
    /// The next connection of its client; `None` once the channel has made room for another.
    pub(crate) async fn attached(&mut self) -> Option<Attach> {
        self.attach.recv().await
    }

    /// Says since when its client is away, or that it is there.
    pub(crate) fn note(&mut self, away: Option<Instant>) {
        if self.away == away {
            return;
        }
        self.away = away;
        if let Some(entry) = self.directory.channels.lock().get_mut(&self.key) {
            entry.away = away;
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.directory.channels.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_one_that_has_been_away_for_longest_makes_room() {
        let (directory, clock) = (Directory::new(3), Clock::system());
        let mut all = [directory.enter(&clock), directory.enter(&clock), directory.enter(&clock)];
        let now = Instant::now();
        all[0].note(Some(now + Duration::from_secs(1)));
        all[1].note(Some(now));
        all[2].note(Some(now - Duration::from_secs(1)));
        all[2].note(None);
        let _fourth = directory.enter(&clock);
        assert!(all[1].attached().await.is_none());
        let is_there = |listed: &Listed| directory.channels.lock().contains_key(&listed.key);
        assert!(is_there(&all[0]) && !is_there(&all[1]) && is_there(&all[2]));
        let _fifth = directory.enter(&clock);
        assert!(all[0].attached().await.is_none());
        let _sixth = directory.enter(&clock);
        assert!(is_there(&all[2]), "who is there stays");
    }
}
