//! Values larger than the store allows: cut into numbered parts under one subspace, read back by one range read.

use coditect_store::tuple::Subspace;
use coditect_store::{RangeQuery, Snapshot, Store};

use super::keys::pack;
use super::scan::Scan;
use crate::error::{Error, Result};
use crate::limits::VALUE_PART_BYTES;

/// The parts of `value` as key and bytes. An empty value has one empty part.
pub(crate) fn split<'a>(space: &'a Subspace, value: &'a [u8]) -> impl Iterator<Item = (Vec<u8>, &'a [u8])> {
    let empty = value.is_empty().then_some(value);
    let parts = empty.into_iter().chain(value.chunks(VALUE_PART_BYTES));
    parts.enumerate().map(move |(part, bytes)| (pack(space, &part), bytes))
}

/// Reads a value back; `None` when no part is there.
pub(crate) async fn get(snapshot: &Snapshot, space: &Subspace) -> Result<Option<Vec<u8>>> {
    let (mut begin, end) = space.range();
    let mut value: Option<Vec<u8>> = None;
    loop {
        let page = snapshot.get_range(RangeQuery::from((begin.clone(), end.clone()))).await?;
        for item in &page.items {
            value.get_or_insert_default().extend_from_slice(&item.value);
        }
        match page.items.last() {
            Some(last) if page.more => begin = after(&last.key),
            _ => return Ok(value),
        }
    }
}

/// Reads all values below `space`, whose keys are an ordinal and a part, in order, in as many transactions as it takes: call it
/// for what never changes.
pub(crate) async fn all(store: &Store, space: &Subspace, what: &str) -> Result<Vec<(u32, Vec<u8>)>> {
    let mut scan = Scan::of(store, space);
    let mut values: Vec<(u32, Vec<u8>)> = Vec::new();
    while let Some(items) = scan.next().await? {
        for item in &items {
            let (ordinal, _part): (u32, u32) = space
                .unpack(&item.key)
                .map_err(|error| Error::corrupt(format!("decode the key of {what}")).caused_by(error))?;
            match values.last_mut() {
                Some((last, bytes)) if *last == ordinal => bytes.extend_from_slice(&item.value),
                _ => values.push((ordinal, item.value.to_vec())),
            }
        }
    }
    Ok(values)
}

/// The first key behind `key`.
pub(crate) fn after(key: &[u8]) -> Vec<u8> {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next
}

/// Checks that a text read back in parts is UTF-8.
pub(crate) fn text(bytes: Vec<u8>, what: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| Error::corrupt(format!("decode {what}")).caused_by(error))
}
