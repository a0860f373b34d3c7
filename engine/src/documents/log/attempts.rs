//! The attempts of one write. A commit whose result is unknown is followed by another attempt, and by then others may have written on top of what was
//! committed: what an attempt finds does not tell whether an earlier one took place. Its entry in the log does.

use coditect_store::tuple::Versionstamp;
use coditect_store::{RangeQuery, Transaction};
use parking_lot::Mutex;

use super::{LogEntry, Version, decoded, version_at};
use crate::error::{Error, Result};
use crate::limits;
use crate::storage::Keys;
use crate::storage::parts::after;

/// What attempts of one write tell each other: `T` is what the last of them was about to do.
#[derive(Debug)]
pub(crate) struct Attempts<T>(Mutex<Option<Tried<T>>>);

#[derive(Debug, Clone)]
struct Tried<T> {
    /// Where the log ended for the first of them.
    behind: Version,
    what: T,
}

impl<T> Default for Attempts<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone + Send> Attempts<T> {
    /// This attempt is about to commit `what`.
    pub(crate) async fn try_to(&self, tx: &Transaction, what: T) -> Result<()> {
        let behind = Version::of_read(tx.read_version().await?);
        let mut tried = self.0.lock();
        let behind = tried.as_ref().map_or(behind, |tried| tried.behind);
        *tried = Some(Tried { behind, what });
        Ok(())
    }

    /// What an earlier attempt did, with the version of its entry in the log, which is the newest that `is_it`. `None` when no attempt has taken place.
    ///
    /// # Errors
    /// `Unavailable` when the log no longer reaches back to the first attempt.
    pub(crate) async fn done(
        &self,
        tx: &Transaction,
        keys: &Keys,
        is_it: impl Fn(&T, &LogEntry) -> bool,
    ) -> Result<Option<(Version, T)>> {
        let Some(Tried { behind, what }) = self.0.lock().clone() else { return Ok(None) };
        if version_at(tx, &keys.trimmed()).await? > behind {
            return Err(Error::unavailable(
                "it can no longer be told whether the write took place: look, or write again",
            ));
        }
        let (mut begin, end) =
            (keys.log().pack(&Versionstamp::complete(*behind.as_bytes(), u16::MAX)), keys.log().range().1);
        let mut found = None;
        loop {
            let query = RangeQuery { limit: limits::LOG_BATCH, ..RangeQuery::from((begin, end.clone())) };
            let page = tx.snapshot().get_range(query).await?;
            for item in &page.items {
                let (version, entry) = decoded(keys, item)?;
                found = is_it(&what, &entry).then_some(version).or(found);
            }
            match page.items.last().filter(|_| page.more) {
                Some(last) => begin = after(&last.key),
                None => return Ok(found.map(|version| (version, what))),
            }
        }
    }
}
