//! Watches: events behind a version, bookmarks, and everything that makes them unreliable.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::stream::unfold;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Mock;
use super::kinds::Kind;
use super::selector::Selector;
use super::status::refusal;

/// How watches are at the moment.
#[derive(Debug, Default)]
pub(crate) struct Watching {
    /// Those that began under an earlier number are cut.
    pub(crate) number: u64,
    /// Those that began under an earlier number are told that their version is gone.
    pub(crate) expiry: u64,
    /// Events that are left out from now on.
    pub(crate) omitted: bool,
    /// How many have begun.
    pub(crate) begun: usize,
    /// Events that have been shown.
    pub(crate) shown: usize,
    /// The version of the last bookmark.
    pub(crate) bookmarked: u64,
}

/// What a watch asks for.
pub(crate) struct Asked {
    pub(crate) kind: Kind,
    pub(crate) selector: Selector,
    pub(crate) version: u64,
    pub(crate) lasts: Duration,
    pub(crate) is_partial: bool,
}

struct Watch {
    mock: Arc<Mock>,
    asked: Asked,
    number: u64,
    expiry: u64,
    until: Instant,
    told: u64,
}

const BOOKMARK_EVERY: Duration = Duration::from_millis(50);

/// The body of a watch.
pub(crate) fn body(mock: &Arc<Mock>, asked: Asked) -> Body {
    let (number, expiry) = {
        let mut state = mock.state.lock();
        state.watching.begun += 1;
        (state.watching.number, state.watching.expiry)
    };
    let until = Instant::now() + asked.lasts;
    let watch = Watch { told: asked.version, mock: Arc::clone(mock), asked, number, expiry, until };
    Body::from_stream(unfold(Some(watch), |watch| async move { watch?.next().await }))
}

type Item = (Result<Bytes, std::io::Error>, Option<Watch>);

impl Watch {
    async fn next(mut self) -> Option<Item> {
        let mut bookmark = Instant::now() + BOOKMARK_EVERY;
        loop {
            let changed = self.mock.changed.subscribe();
            if Instant::now() >= self.until {
                return None;
            }
            if let Some(item) = self.state() {
                return Some((item.map(|value| line(&value)), None));
            }
            if let Some(event) = self.event() {
                return Some((Ok(line(&event)), Some(self)));
            }
            if Instant::now() >= bookmark {
                let bookmark = self.bookmark();
                return Some((Ok(line(&bookmark)), Some(self)));
            }
            wait(changed, bookmark.min(self.until)).await;
            bookmark = bookmark.max(Instant::now());
        }
    }

    /// How the watch ends, if it does.
    fn state(&self) -> Option<Result<Value, std::io::Error>> {
        let state = self.mock.state.lock();
        if state.watching.number != self.number {
            return Some(Err(std::io::ErrorKind::ConnectionReset.into()));
        }
        let is_gone = self.told < state.objects.compacted || state.watching.expiry != self.expiry;
        is_gone.then(|| {
            let gone = refusal(410, "Expired", format!("too old resource version: {}", self.told));
            Ok(json!({"type": "ERROR", "object": gone.body}))
        })
    }

    /// The next event that the watch shows.
    fn event(&mut self) -> Option<Value> {
        let mut state = self.mock.state.lock();
        loop {
            let event = state.objects.events.iter().find(|event| event.version > self.told)?.clone();
            self.told = event.version;
            let is_meant = event.kind == self.asked.kind && self.asked.selector.fits(&event.object);
            if is_meant && !state.watching.omitted {
                state.watching.shown += 1;
                return Some(json!({"type": event.what, "object": shown(event.object, self.asked.is_partial)}));
            }
        }
    }

    fn bookmark(&self) -> Value {
        self.mock.state.lock().watching.bookmarked = self.told;
        let metadata = json!({"resourceVersion": self.told.to_string()});
        json!({"type": "BOOKMARK", "object": {"kind": self.kind(), "apiVersion": "v1", "metadata": metadata}})
    }

    fn kind(&self) -> &'static str {
        if self.asked.is_partial { "PartialObjectMetadata" } else { self.asked.kind.name() }
    }
}

async fn wait(mut changed: tokio::sync::watch::Receiver<u64>, until: Instant) {
    let _ = tokio::time::timeout_at(until, changed.changed()).await;
}

/// An object as it is shown to who asks for metadata alone.
pub(crate) fn shown(object: Value, is_partial: bool) -> Value {
    match is_partial {
        true => json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
        }),
        false => object,
    }
}

fn line(value: &Value) -> Bytes {
    format!("{value}\n").into()
}
