//! What must be so, kept in plain maps: for every document its state, as far as acknowledgements and reads have decided it, and what may have taken place
//! beside that or may yet: writes that failed or were dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use coditect_engine::model::Version;

use crate::content;
use crate::trace::{Place, Trace};
use crate::violation::{Checked, Violation, check};

/// A document's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    #[default]
    Gone,
    /// It has this content since this version, where that is known.
    There(u32, Option<Version>),
}

/// What a write that nobody knows the outcome of does if it takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Delete,
    Put(u32),
}

/// What a look shows of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Gone,
    /// This content, with its version where the look tells it.
    There(u32, Option<Version>),
    /// No passages: it is gone or empty.
    Nothing,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Document {
    pub(crate) state: State,
    pub(crate) pending: Vec<Effect>,
    /// Every content that it may ever have had.
    pub(crate) ever: BTreeSet<u32>,
    /// The content of the last write that was begun.
    pub(crate) last: Option<u32>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Collection {
    /// `None` while it is not known.
    pub(crate) exists: Option<bool>,
    /// It may have been dropped, with all its documents.
    pub(crate) may_be_dropped: bool,
    pub(crate) documents: BTreeMap<u8, Document>,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) collections: BTreeMap<Place, Collection>,
    /// The newest version that anybody was told.
    pub(crate) last: Version,
    /// How far the clocks have gone.
    pub(crate) now: Duration,
    /// Versions of acknowledged changes, and when that was.
    pub(crate) acknowledged: Vec<(Duration, Version)>,
}

impl Model {
    pub(crate) fn new(trace: &Trace) -> Self {
        let empty = || Collection { exists: Some(false), ..Collection::default() };
        let collections = trace.places().map(|place| (place, empty())).collect();
        Self { collections, ..Self::default() }
    }

    pub(crate) fn at(&mut self, place: Place) -> &mut Collection {
        self.collections.entry(place).or_default()
    }

    pub(crate) fn document(&mut self, place: Place, document: u8) -> &mut Document {
        self.at(place).documents.entry(document).or_default()
    }

    /// Somebody was told a version.
    pub(crate) fn told(&mut self, version: Version) {
        self.last = self.last.max(version);
    }

    /// The oldest change that was acknowledged within this time.
    pub(crate) fn acknowledged_within(&self, time: Duration) -> Option<Version> {
        let young = self.acknowledged.iter().filter(|(at, _)| self.now.saturating_sub(*at) < time);
        young.map(|(_, version)| *version).min()
    }

    /// A look at a document shows this: it must be what is known, or what is pending, which then has taken place.
    pub(crate) fn see(&mut self, place: Place, document: u8, seen: Seen) -> Checked {
        let known = self.document(place, document);
        let before = known.clone();
        let fits = known.see(seen);
        if let State::There(_, Some(version)) = known.state {
            self.told(version);
        }
        let expected = || Violation(format!("{place}/d{document} shows {seen:?} instead of {}", before.expected()));
        if fits { Ok(()) } else { Err(expected()) }
    }
}

impl Document {
    fn see(&mut self, seen: Seen) -> bool {
        let is_known = match (seen, self.state) {
            (Seen::Gone, State::Gone) => true,
            (Seen::Nothing, State::Gone) => true,
            (Seen::Nothing, State::There(content, _)) => content::passages(content) == 0,
            (Seen::There(seen, at), State::There(known, since)) => {
                seen == known && (at.is_none() || since.is_none() || at == since)
            }
            _ => false,
        };
        if is_known {
            if let (Seen::There(content, Some(at)), State::There(..)) = (seen, self.state) {
                self.state = State::There(content, Some(at));
            }
            return true;
        }
        let explains = |effect: &Effect| match (*effect, seen) {
            (Effect::Delete, Seen::Gone | Seen::Nothing) => true,
            (Effect::Put(content), Seen::Nothing) => content::passages(content) == 0,
            (Effect::Put(content), Seen::There(seen, _)) => content == seen,
            _ => false,
        };
        let Some(found) = self.pending.iter().position(explains) else { return false };
        self.state = match (self.pending.remove(found), seen) {
            (Effect::Delete, _) => State::Gone,
            (Effect::Put(content), Seen::There(_, at)) => State::There(content, at),
            (Effect::Put(content), _) => State::There(content, None),
        };
        true
    }

    fn expected(&self) -> String {
        let Self { state, pending, .. } = self;
        if pending.is_empty() { format!("{state:?}") } else { format!("{state:?}, or what is pending: {pending:?}") }
    }

    /// Nothing that was begun before can take place any more: this is the state.
    pub(crate) fn decide(&mut self, state: State) {
        self.state = state;
        self.pending.clear();
    }
}

impl Collection {
    /// Documents and passages, where they are certain.
    pub(crate) fn counts(&self) -> Option<(u64, u64)> {
        let is_certain = self.exists == Some(true) && self.documents.values().all(|it| it.pending.is_empty());
        let contents = self.documents.values().filter_map(|it| match it.state {
            State::There(content, _) => Some(content),
            State::Gone => None,
        });
        let (mut documents, mut passages) = (0, 0);
        contents.for_each(|content| {
            documents += 1;
            passages += u64::from(content::passages(content));
        });
        is_certain.then_some((documents, passages))
    }
}

/// A write that began after others were acknowledged has a greater version.
pub(crate) fn grows(before: Version, version: Version, what: impl std::fmt::Display) -> Checked {
    check(version > before, || format!("{what} has version {version}, {before} was told before it began"))
}
