//! Reading a range to its end in as many transactions as it takes. What is written meanwhile may be seen or not.

use coditect_store::tuple::Subspace;
use coditect_store::{KeyValue, RangeQuery, RunOptions, Store};

use super::parts::after;
use crate::error::{Error, Result};

/// A range that is being read, page by page.
pub(crate) struct Scan<'a> {
    store: &'a Store,
    options: RunOptions,
    /// Where the next page begins; nothing at the end.
    begin: Option<Vec<u8>>,
    end: Vec<u8>,
    /// Most items of a page; as many as the store likes for 0.
    limit: usize,
}

impl<'a> Scan<'a> {
    /// Everything below `space`.
    pub(crate) fn of(store: &'a Store, space: &Subspace) -> Self {
        let (begin, end) = space.range();
        Self { store, options: RunOptions::default(), begin: Some(begin), end, limit: 0 }
    }

    /// With at most so many items in a page.
    pub(crate) fn in_pages_of(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// As work that can wait, see [`RunOptions::background`].
    pub(crate) fn in_background(self, tag: &'static str) -> Self {
        Self { options: RunOptions::background(tag), ..self }
    }

    /// Goes on behind all keys that begin with `space`.
    pub(crate) fn leap_over(&mut self, space: &Subspace) {
        self.begin = Some(coditect_store::prefix_end(space.bytes()).to_vec());
    }

    /// The next page; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<KeyValue>>> {
        let Some(begin) = self.begin.take() else { return Ok(None) };
        let mut query = RangeQuery::from((begin, self.end.clone()));
        query.limit = self.limit;
        let query = &query;
        let page = self
            .store
            .run_with(self.options.clone(), |tx| async move {
                Ok::<_, Error>(tx.snapshot().get_range(query.clone()).await?)
            })
            .await?;
        self.begin = page.items.last().filter(|_| page.more).map(|last| after(&last.key));
        Ok((!page.items.is_empty()).then_some(page.items))
    }
}
