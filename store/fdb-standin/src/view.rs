//! What a transaction sees: the stored state at its read version with its own changes over it.

use crate::abi::ErrorCode;
use crate::mutation::key_after;
use crate::versions::Versions;
use crate::write_map::WriteMap;

/// A key selector without `or_equal`: the last key below `key`, then `offset` keys on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) key: Vec<u8>,
    pub(crate) offset: i32,
    or_equal: bool,
}

impl Selector {
    pub(crate) fn new(key: &[u8], or_equal: bool, offset: i32) -> Self {
        Self { key: if or_equal { key_after(key) } else { key.to_vec() }, offset, or_equal }
    }

    /// The key that the caller named.
    pub(crate) fn named(&self) -> &[u8] {
        &self.key[..self.key.len() - usize::from(self.or_equal)]
    }
}

/// Where a selector leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Key(Vec<u8>),
    /// Before the first key.
    Begin,
    /// Behind the last key.
    End,
}

/// One state of all keys below `end`.
pub(crate) struct View<'a> {
    pub(crate) stored: &'a Versions,
    pub(crate) version: i64,
    pub(crate) own: &'a WriteMap,
    pub(crate) end: &'a [u8],
}

/// A key with its value.
pub(crate) type Item = (Vec<u8>, Vec<u8>);

/// Items of a range read, and whether a limit ended it.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    pub(crate) more: bool,
}

impl View<'_> {
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ErrorCode> {
        self.own.check_readable(key, &key_after(key))?;
        Ok(self.own.value(key, self.stored.get(key, self.version)))
    }

    /// The first item in `from..to`.
    fn first(&self, from: &[u8], to: &[u8]) -> Result<Option<Item>, ErrorCode> {
        let mut at = from.to_vec();
        loop {
            let stored = self.stored.first(&at, to, self.version).map(<[u8]>::to_vec);
            let own = self.own.first(&at, to).map(<[u8]>::to_vec);
            let Some(key) = [stored, own].into_iter().flatten().min() else {
                self.own.check_readable(from, to)?;
                return Ok(None);
            };
            self.own.check_readable(from, &key_after(&key))?;
            if let Some(value) = self.own.value(&key, self.stored.get(&key, self.version)) {
                return Ok(Some((key, value)));
            }
            at = key_after(&key);
            if let Some((_, end)) = self.own.cleared(&key) {
                // Up to the end of a cleared range only own operations count.
                at = self.own.first(&at, end).unwrap_or(end).to_vec();
            }
        }
    }

    /// The last item in `from..to`.
    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Item>, ErrorCode> {
        let mut at = to.to_vec();
        loop {
            let stored = self.stored.last(from, &at, self.version).map(<[u8]>::to_vec);
            let own = self.own.last(from, &at).map(<[u8]>::to_vec);
            let Some(key) = [stored, own].into_iter().flatten().max() else {
                self.own.check_readable(from, to)?;
                return Ok(None);
            };
            self.own.check_readable(&key, to)?;
            if let Some(value) = self.own.value(&key, self.stored.get(&key, self.version)) {
                return Ok(Some((key, value)));
            }
            at = key;
        }
    }

    /// The key that a selector names.
    pub(crate) fn resolve(&self, selector: &Selector) -> Result<Place, ErrorCode> {
        let mut at = selector.key.clone();
        if selector.offset > 0 {
            for _ in 1..selector.offset {
                match self.first(&at, self.end)? {
                    Some((key, _)) => at = key_after(&key),
                    None => return Ok(Place::End),
                }
            }
            let found = self.first(&at, self.end)?;
            return Ok(found.map_or(Place::End, |(key, _)| Place::Key(key)));
        }
        at = at.min(self.end.to_vec());
        for _ in selector.offset..=0 {
            match self.last(b"", &at)? {
                Some((key, _)) => at = key,
                None => return Ok(Place::Begin),
            }
        }
        Ok(Place::Key(at))
    }

    /// Items of `from..to` until one of the limits is reached; a limit of bytes lets at least one through.
    pub(crate) fn range(
        &self,
        from: &[u8],
        to: &[u8],
        rows: Option<usize>,
        bytes: Option<usize>,
        reverse: bool,
    ) -> Result<Page, ErrorCode> {
        let mut page = Page::default();
        let (mut from, mut to) = (from.to_vec(), to.to_vec());
        let mut size = 0;
        loop {
            let item = if reverse { self.last(&from, &to)? } else { self.first(&from, &to)? };
            let Some((key, value)) = item else {
                return Ok(page);
            };
            size += key.len() + value.len();
            match reverse {
                true => to.clone_from(&key),
                false => from = key_after(&key),
            }
            page.items.push((key, value));
            if rows.is_some_and(|rows| page.items.len() >= rows) || bytes.is_some_and(|bytes| size >= bytes) {
                page.more = true;
                return Ok(page);
            }
        }
    }
}
