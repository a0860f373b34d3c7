//! Pages of listings.

use coditect_store::tuple::Subspace;
use coditect_store::{KeyValue, RangeQuery, key_after};

use crate::auth::Inner;
use crate::error::{Error, Result};
use crate::limits;

/// Some items of a listing, in the order of their keys.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// Refuses a page of nothing, and one that is too large.
///
/// # Errors
/// `Invalid`.
pub fn check_limit(limit: usize) -> Result<()> {
    match (1..=limits::PAGE).contains(&limit) {
        true => Ok(()),
        false => Err(Error::invalid("/limit", format!("a limit is 1 to {}", limits::PAGE))),
    }
}

/// What lies below `space` behind the key `after`, at most `limit` of it.
pub(crate) async fn read<T: Send>(
    auth: &Inner,
    space: &Subspace,
    after: Option<&[u8]>,
    limit: usize,
    decode: impl Fn(&KeyValue) -> Result<T> + Send + Sync,
) -> Result<Page<T>> {
    check_limit(limit)?;
    let (begin, end) = space.range();
    let begin = after.map_or(begin, |after| key_after(after).to_vec());
    let range = RangeQuery::from((begin, end)).limit(limit);
    let found = auth
        .run(|tx| {
            let range = range.clone();
            async move { Ok(tx.snapshot().get_range(range).await?) }
        })
        .await?;
    let items = found.items.iter().map(decode).collect::<Result<_>>()?;
    Ok(Page { items, more: found.more })
}
