//! Keys, key selectors and range queries: what a read asks for and what it answers.

use bytes::Bytes;
use foundationdb_tuple::Subspace;

/// The first key that sorts behind `key`.
#[must_use]
pub fn key_after(key: &[u8]) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next.into()
}

/// The first key that sorts behind every key with this prefix; the end of the key space when the prefix is empty or all `0xff`.
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Bytes {
    let kept = prefix.iter().rposition(|&byte| byte != 0xff);
    match kept {
        Some(last) => {
            let mut end = prefix[..=last].to_vec();
            end[last] += 1;
            end.into()
        }
        None => END.clone(),
    }
}

/// End of the keys that a transaction may use.
pub(crate) static END: Bytes = Bytes::from_static(&[crate::limits::SYSTEM_PREFIX]);

/// Names a key by its place: find the last key below `key` (or at it, with `or_equal`), then go `offset` keys on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySelector {
    /// Where to start.
    pub key: Bytes,
    /// Whether `key` itself counts as below.
    pub or_equal: bool,
    /// How many keys to move from there; negative moves back.
    pub offset: i32,
}

impl KeySelector {
    /// The first key at or behind `key`.
    pub fn first_greater_or_equal(key: impl Into<Bytes>) -> Self {
        Self { key: key.into(), or_equal: false, offset: 1 }
    }

    /// The first key behind `key`.
    pub fn first_greater_than(key: impl Into<Bytes>) -> Self {
        Self { key: key.into(), or_equal: true, offset: 1 }
    }

    /// The last key at or before `key`.
    pub fn last_less_or_equal(key: impl Into<Bytes>) -> Self {
        Self { key: key.into(), or_equal: true, offset: 0 }
    }

    /// The last key before `key`.
    pub fn last_less_than(key: impl Into<Bytes>) -> Self {
        Self { key: key.into(), or_equal: false, offset: 0 }
    }

    /// The boundary that the selector counts from: keys below it are "before".
    pub(crate) fn boundary(&self) -> Bytes {
        if self.or_equal { key_after(&self.key) } else { self.key.clone() }
    }
}

/// A range read: keys from `begin` (included) to `end` (excluded).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeQuery {
    /// First key.
    pub begin: KeySelector,
    /// First key that is no longer in the range.
    pub end: KeySelector,
    /// Most items to answer; 0 sets no limit of items. [`crate::limits::RANGE_BYTES`] limits the answer in any case.
    pub limit: usize,
    /// From the end backwards.
    pub reverse: bool,
}

impl RangeQuery {
    /// All keys with this prefix, the prefix itself included.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        Self::from((Bytes::copy_from_slice(prefix), prefix_end(prefix)))
    }

    /// The same range with at most `limit` items.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The same range from its end backwards.
    #[must_use]
    pub fn reverse(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// The rest of the range behind `result`, or `None` when that was all.
    #[must_use]
    pub fn rest(&self, result: &RangeResult) -> Option<Self> {
        let last = result.items.last().filter(|_| result.more)?;
        let mut rest = self.clone();
        if self.reverse {
            rest.end = KeySelector::first_greater_or_equal(last.key.clone());
        } else {
            rest.begin = KeySelector::first_greater_than(last.key.clone());
        }
        Some(rest)
    }
}

impl<B: Into<Bytes>, E: Into<Bytes>> From<(B, E)> for RangeQuery {
    fn from((begin, end): (B, E)) -> Self {
        Self {
            begin: KeySelector::first_greater_or_equal(begin),
            end: KeySelector::first_greater_or_equal(end),
            limit: 0,
            reverse: false,
        }
    }
}

impl From<&Subspace> for RangeQuery {
    fn from(subspace: &Subspace) -> Self {
        Self::from(subspace.range())
    }
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
}

/// The answer to a [`RangeQuery`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RangeResult {
    /// The items, in the order of the read.
    pub items: Vec<KeyValue>,
    /// Whether a limit cut the answer short: there may be more behind the last item.
    pub more: bool,
}
