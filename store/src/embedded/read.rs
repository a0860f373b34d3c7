//! Reads that merge a view of the stored state with a transaction's own writes.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use bytes::Bytes;

use super::engine::EngineView;
use super::write_map::{Pending, WriteMap};
use crate::error::Result;
use crate::key::{END, KeySelector, KeyValue, RangeResult, key_after};
use crate::limits;

/// A range of keys that a read depended on: start (included) to end (excluded).
pub(super) type Span = (Bytes, Bytes);

/// Cleared keys that are passed one by one before the read jumps to the end of their range.
const SKIP_BEFORE_SEEK: usize = 32;

/// The value of one key.
pub(super) fn value(view: &EngineView, writes: &WriteMap, key: &[u8]) -> Result<Option<Bytes>> {
    match writes.find(key) {
        None => view.get(key),
        Some(known @ (Pending::Known(_) | Pending::Unreadable)) => known.value(None),
        Some(atomics) => atomics.value(view.get(key)?),
    }
}

/// The key that a selector names, and what that depended on.
pub(super) fn key(view: &EngineView, writes: &WriteMap, selector: &KeySelector) -> Result<(Bytes, Span)> {
    let boundary = selector.boundary().min(END.clone());
    let forward = selector.offset > 0;
    let mut steps = if forward { selector.offset - 1 } else { -selector.offset };
    let mut found = None;
    let span = if forward { (boundary, END.clone()) } else { (Bytes::new(), boundary) };
    walk(view, writes, &span, !forward, |key, _| {
        if steps == 0 {
            found = Some(key);
            return ControlFlow::Break(());
        }
        steps -= 1;
        ControlFlow::Continue(())
    })?;
    let span = match (&found, forward) {
        (Some(key), true) => (span.0, key_after(key)),
        (Some(key), false) => (key.clone(), span.1),
        (None, _) => span,
    };
    writes.check_readable(&span.0, &span.1)?;
    Ok((found.unwrap_or(if forward { END.clone() } else { Bytes::new() }), span))
}

/// The items of a range, and the part of it that was read.
pub(super) fn range(
    view: &EngineView,
    writes: &WriteMap,
    span: Span,
    limit: usize,
    reverse: bool,
) -> Result<(RangeResult, Span)> {
    let mut result = RangeResult::default();
    let mut bytes = 0;
    walk(view, writes, &span, reverse, |key, value| {
        bytes += key.len() + value.len();
        result.items.push(KeyValue { key, value });
        if result.items.len() == limit || bytes >= limits::RANGE_BYTES {
            result.more = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    let read = match result.items.last().filter(|_| result.more) {
        Some(last) if reverse => (last.key.clone(), span.1),
        Some(last) => (span.0, key_after(&last.key)),
        None => span,
    };
    writes.check_readable(&read.0, &read.1)?;
    Ok((result, read))
}

/// Shows `visit` each key with its value, in order, until it breaks.
fn walk(
    view: &EngineView,
    writes: &WriteMap,
    span: &Span,
    reverse: bool,
    mut visit: impl FnMut(Bytes, Bytes) -> ControlFlow<()>,
) -> Result<()> {
    if span.0 >= span.1 {
        return Ok(());
    }
    let mut stored = Stored::open(view, writes, span, reverse)?;
    let mut pending = writes.points(&span.0, &span.1);
    let mut next_pending = || {
        if reverse { pending.next_back() } else { pending.next() }
    };
    let mut own = next_pending();
    let mut other = stored.next()?;
    loop {
        let order = match (&other, &own) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((key, _)), Some((own, _))) if reverse => (**own).cmp(key),
            (Some((key, _)), Some((own, _))) => key.cmp(own),
        };
        let base = if order.is_le() { std::mem::replace(&mut other, stored.next()?) } else { None };
        let item = match (own, base) {
            (Some((key, writes)), base) if order.is_ge() => {
                own = next_pending();
                writes.value(base.map(|(_, value)| value))?.map(|value| (key.clone(), value))
            }
            (_, base) => base,
        };
        if let Some((key, value)) = item
            && visit(key, value).is_break()
        {
            return Ok(());
        }
    }
}

/// The stored items of a span that the transaction has not cleared.
struct Stored<'a> {
    view: &'a EngineView,
    writes: &'a WriteMap,
    span: Span,
    reverse: bool,
    items: super::engine::Items,
}

impl<'a> Stored<'a> {
    fn open(view: &'a EngineView, writes: &'a WriteMap, span: &Span, reverse: bool) -> Result<Self> {
        let items = view.range(&span.0, &span.1)?;
        Ok(Self { view, writes, span: span.clone(), reverse, items })
    }

    fn next(&mut self) -> Result<Option<(Bytes, Bytes)>> {
        let mut skipped = 0;
        loop {
            let item = if self.reverse { self.items.next_back()? } else { self.items.next()? };
            let Some((key, value)) = item else {
                return Ok(None);
            };
            let Some((begin, end)) = self.writes.cleared(&key) else {
                return Ok(Some((key, value)));
            };
            skipped += 1;
            if skipped > SKIP_BEFORE_SEEK {
                skipped = 0;
                if self.reverse {
                    self.span.1 = begin.clone();
                } else {
                    self.span.0 = end.clone();
                }
                self.items = self.view.range(&self.span.0, &self.span.1)?;
            }
        }
    }
}
