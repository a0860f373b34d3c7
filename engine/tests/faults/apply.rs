//! Taking what clients learned of their writes into the model.

use coditect_engine::model::Version;

use crate::act::Outcome;
use crate::model::{Collection, Effect, Model, Seen, State, grows};
use crate::replay::{Event, Kind, replay};
use crate::trace::{Change, Place, Write};
use crate::violation::{Checked, check};

/// A change that was tried, what a put of it said, and what its client learned.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    pub(crate) write: Write,
    pub(crate) said: u32,
    pub(crate) outcome: Outcome,
}

impl Tried {
    fn is_drop(&self) -> bool {
        self.write.change == Change::Drop
    }

    fn is_unknown(&self) -> bool {
        matches!(self.outcome, Outcome::Unknown)
    }

    /// Whether the collection was made if it was not there.
    fn makes(&self) -> bool {
        matches!(self.write.change, Change::Make | Change::Put { .. })
    }

    /// The version of its own change.
    pub(crate) fn version(&self) -> Option<Version> {
        self.event().filter(|event| !event.is_look).map(|event| event.version)
    }

    fn event(&self) -> Option<Event> {
        Event::of(&self.write, self.said, &self.outcome)
    }
}

/// Takes in what was tried at once in one place, all of it begun after `before` was told.
pub(crate) fn apply(model: &mut Model, place: Place, before: Version, tried: &[Tried]) -> Checked {
    let events: Vec<Event> = tried.iter().filter_map(Tried::event).collect();
    check_versions(place, before, &events)?;
    check_absences(place, model.at(place), tried)?;
    for event in &events {
        model.told(event.version);
        let now = model.now;
        model.acknowledged.extend((!event.is_look).then_some((now, event.version)));
    }
    let collection = model.at(place);
    if is_certain(collection) && !tried.iter().any(Tried::is_unknown) {
        for (document, state) in replay(place, collection, &events)? {
            collection.documents.entry(document).or_default().decide(state);
        }
    } else {
        take_newest(collection, &events);
        if let ([event], true) = (&events[..], tried.len() == 1) {
            see(model, place, event)?;
        }
    }
    let collection = model.at(place);
    collection.exists = exists(collection, tried, &events);
    for tried in tried.iter().filter(|tried| tried.is_unknown()) {
        add_pending(collection, tried);
    }
    Ok(())
}

fn check_versions(place: Place, before: Version, events: &[Event]) -> Checked {
    for event in events {
        match event.kind {
            // The version of the write that it repeats.
            Kind::Put(..) if event.is_look => {}
            _ if event.is_look => check(event.version >= before, || {
                format!("{place}: {event:?} does not show what was acknowledged before it, up to {before}")
            })?,
            _ => grows(before, event.version, format_args!("{place}: {event:?}"))?,
        }
    }
    Ok(())
}

/// A collection is missing, or new, only where something explains it.
fn check_absences(place: Place, collection: &Collection, tried: &[Tried]) -> Checked {
    let (exists, drops) = (collection.exists, tried.iter().filter(|tried| tried.is_drop()).count());
    for Tried { write, outcome, .. } in tried {
        let explained = match (write.change, outcome) {
            (Change::Put { .. } | Change::Make, Outcome::Missing) => drops > 0,
            (_, Outcome::Missing) => drops > 0 || exists != Some(true),
            (_, Outcome::Dropped(None)) => drops > 1 || exists != Some(true),
            (_, Outcome::Dropped(Some(_)) | Outcome::Altered | Outcome::Deleted(..)) => {
                exists != Some(false) || tried.iter().any(Tried::makes)
            }
            (_, Outcome::Made(true)) => drops > 0 || exists != Some(true),
            (_, Outcome::Made(false)) => tried.len() > 1 || exists != Some(false),
            _ => true,
        };
        check(explained, || format!("{place}: {:?} came to {outcome:?}, but exists was {exists:?}", write.change))?;
    }
    Ok(())
}

fn is_certain(collection: &Collection) -> bool {
    collection.exists.is_some()
        && !collection.may_be_dropped
        && collection
            .documents
            .values()
            .all(|document| document.pending.is_empty() && !matches!(document.state, State::There(_, None)))
}

/// Where something is unknown: the newest acknowledged change of each document holds, unless something unknown came behind it.
fn take_newest(collection: &mut Collection, events: &[Event]) {
    let mut events: Vec<&Event> = events.iter().filter(|event| !event.is_look).collect();
    events.sort_by_key(|event| event.version);
    for event in events {
        let (document, state) = match event.kind {
            Kind::Drop => {
                collection.documents.values_mut().for_each(|document| document.decide(State::Gone));
                continue;
            }
            Kind::Put(document, content, _) => (document, State::There(content, Some(event.version))),
            Kind::Delete(document, _) => (document, State::Gone),
        };
        collection.documents.entry(document).or_default().decide(state);
    }
}

/// What a change that changed nothing saw.
fn see(model: &mut Model, place: Place, event: &Event) -> Checked {
    match event.kind {
        Kind::Put(document, content, _) => model.see(place, document, Seen::There(content, Some(event.version))),
        Kind::Delete(document, false) => model.see(place, document, Seen::Gone),
        _ => Ok(()),
    }
}

fn add_pending(collection: &mut Collection, tried: &Tried) {
    let (document, effect) = match tried.write.change {
        Change::Put { document, .. } => (document, Effect::Put(tried.said)),
        Change::Delete { document } => (document, Effect::Delete),
        Change::Drop => {
            collection.may_be_dropped = true;
            return;
        }
        Change::Make | Change::Alter { .. } => return,
    };
    collection.documents.entry(document).or_default().pending.push(effect);
}

/// Whether the collection is there afterwards; `None` when that cannot be told.
fn exists(collection: &Collection, tried: &[Tried], events: &[Event]) -> Option<bool> {
    if tried.iter().any(|tried| tried.is_drop() && tried.is_unknown()) {
        return None;
    }
    let newest = |wanted: fn(&Kind) -> bool| {
        let of_kind = events.iter().filter(|event| !event.is_look && wanted(&event.kind));
        of_kind.map(|event| event.version).max()
    };
    let makes = || tried.iter().filter(|tried| tried.makes());
    let is_done = |tried: &Tried| matches!(tried.outcome, Outcome::Put(_) | Outcome::Made(_));
    match (newest(|kind| matches!(kind, Kind::Drop)), newest(|kind| matches!(kind, Kind::Put(..)))) {
        (Some(dropped), Some(put)) if put > dropped => Some(true),
        // Those that were done before the drop have gone with it; for others nobody knows.
        (Some(_), _) if makes().all(|tried| matches!(tried.outcome, Outcome::Put(_)) && !is_look(tried)) => Some(false),
        (Some(_), _) => None,
        (None, _) if makes().any(is_done) => Some(true),
        (None, _) if collection.exists == Some(false) && makes().next().is_some() => None,
        (None, _) => collection.exists,
    }
}

fn is_look(tried: &Tried) -> bool {
    tried.event().is_some_and(|event| event.is_look)
}
