//! The reads of a transaction: what each answers, and the range that it depended on.

use crate::abi::ErrorCode;
use crate::future::Value;
use crate::mutation::key_after;
use crate::view::{Page, Place, Selector, View};

type KeyRange = (Vec<u8>, Vec<u8>);

/// Longest key, in bytes.
pub(crate) const KEY_LIMIT: usize = 10_000;

/// A range read.
#[derive(Debug, Clone)]
pub(crate) struct RangeRead {
    pub(crate) begin: Selector,
    pub(crate) end: Selector,
    pub(crate) rows: Option<usize>,
    pub(crate) bytes: Option<usize>,
    pub(crate) reverse: bool,
}

/// Reads one key.
pub(crate) fn get(view: &View<'_>, key: &[u8]) -> Result<(Value, KeyRange), ErrorCode> {
    Ok((Value::Stored(view.get(key)?), (key.to_vec(), key_after(key))))
}

/// Finds the key that a selector names.
pub(crate) fn get_key(view: &View<'_>, selector: &Selector) -> Result<(Value, KeyRange), ErrorCode> {
    let key = match view.resolve(selector)? {
        Place::Key(key) => key,
        Place::Begin => Vec::new(),
        Place::End => view.end.to_vec(),
    };
    let range = match selector.offset > 0 {
        true => (selector.key.clone(), key_after(&key)),
        false => (key.clone(), selector.key.clone()),
    };
    Ok((Value::Key(key), range))
}

/// Where a selector bounds a range; first-greater-or-equal needs no look at the keys.
fn bound(view: &View<'_>, selector: &Selector) -> Result<Place, ErrorCode> {
    match selector.offset {
        1 => Ok(Place::Key(selector.key.clone().min(view.end.to_vec()))),
        _ => view.resolve(selector),
    }
}

/// Reads a range.
pub(crate) fn get_range(view: &View<'_>, read: &RangeRead) -> Result<(Value, KeyRange), ErrorCode> {
    let (begin, end) = (bound(view, &read.begin)?, bound(view, &read.end)?);
    let key = |place: &Place| match place {
        Place::Key(key) => key.clone(),
        Place::Begin => Vec::new(),
        Place::End => view.end.to_vec(),
    };
    let page = view.range(&key(&begin), &key(&end), read.rows, read.bytes, read.reverse)?;
    let conflict = conflict(view, read, &page, [&begin, &end]);
    Ok((Value::Items { items: page.items, more: page.more }, conflict))
}

/// The range whose changes would change the answer, as `ReadYourWrites.cpp` takes it: from the keys of the selectors, as far as
/// the answer needed them.
fn conflict(view: &View<'_>, read: &RangeRead, page: &Page, bounds: [&Place; 2]) -> KeyRange {
    let (begin, end) = (&read.begin, &read.end);
    let (mut from, mut to) = match begin.key < end.key {
        true if page.more && !read.reverse && end.offset > 0 => (begin.key.clone(), begin.key.clone()),
        true if page.more && read.reverse && begin.offset <= 1 => (end.key.clone(), end.key.clone()),
        true => (begin.key.clone(), end.key.clone()),
        false => (end.key.clone(), begin.key.clone()),
    };
    if bounds.contains(&&Place::Begin) && begin.offset <= 0 {
        from.clear();
    }
    if bounds.contains(&&Place::End) && end.offset > 0 {
        to = view.end.to_vec();
    }
    let keys = page.items.iter().map(|(key, _)| key);
    if let (Some(first), Some(last)) = (keys.clone().min(), keys.max()) {
        if begin.offset <= 0 || read.reverse {
            from = from.min(first.clone());
        }
        if to <= *last && (end.offset > 0 || !read.reverse) {
            to = key_after(last);
        }
    }
    (from, to)
}
