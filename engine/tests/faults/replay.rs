//! What acknowledged writes to one collection come to, told by their versions: each must say what it did in their order.

use std::collections::BTreeMap;

use coditect_engine::model::{Version, WriteStatus};

use crate::act::Outcome;
use crate::model::{Collection, State};
use crate::trace::{Change, Place, Write};
use crate::violation::{Checked, check};

/// Something that was acknowledged, where it stands in the order of versions.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) version: Version,
    /// It changed nothing: it saw what the version shows.
    pub(crate) is_look: bool,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Put(u8, u32, WriteStatus),
    Delete(u8, bool),
    Drop,
}

impl Event {
    /// The event of a change, if its outcome tells a version.
    pub(crate) fn of(write: &Write, said: u32, outcome: &Outcome) -> Option<Self> {
        let (version, is_look, kind) = match (write.change, outcome) {
            (Change::Put { document, .. }, Outcome::Put(receipt)) => {
                let is_look = receipt.status == WriteStatus::Unchanged;
                (receipt.version, is_look, Kind::Put(document, said, receipt.status))
            }
            (Change::Delete { document }, Outcome::Deleted(deleted, version)) => {
                (*version, !deleted, Kind::Delete(document, *deleted))
            }
            (Change::Drop, Outcome::Dropped(Some(version))) => (*version, false, Kind::Drop),
            _ => return None,
        };
        Some(Self { version, is_look, kind })
    }
}

/// Replays all events of a collection of which nothing is unknown; answers the states that they leave.
pub(crate) fn replay(place: Place, collection: &Collection, events: &[Event]) -> Checked<BTreeMap<u8, State>> {
    let mut states: BTreeMap<u8, State> = collection.documents.iter().map(|(id, it)| (*id, it.state)).collect();
    let mut deleted_at: BTreeMap<u8, Version> = BTreeMap::new();
    let mut events: Vec<&Event> = events.iter().collect();
    events.sort_by_key(|event| (event.version, event.is_look));
    for event in events {
        let at = Some(event.version);
        let told = |document: u8, state: State| format!("{place}/d{document} was {state:?} at {event:?}");
        match event.kind {
            Kind::Drop => states.values_mut().for_each(|state| *state = State::Gone),
            Kind::Put(document, content, status) => {
                let state = states.entry(document).or_default();
                let holds = match status {
                    WriteStatus::Created => *state == State::Gone,
                    WriteStatus::Updated => matches!(state, State::There(..)),
                    WriteStatus::Unchanged => *state == State::There(content, at),
                };
                check(holds, || told(document, *state))?;
                *state = State::There(content, at);
            }
            Kind::Delete(document, deleted) => {
                let state = states.entry(document).or_default();
                // It was there when this one began; another one has deleted it.
                let is_same = deleted_at.get(&document) == Some(&event.version);
                check((*state != State::Gone) == deleted || is_same, || told(document, *state))?;
                *state = State::Gone;
                deleted_at.insert(document, event.version);
            }
        }
    }
    Ok(states)
}
