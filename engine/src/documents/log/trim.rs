//! Taking old entries off the front of the log.
//!
//! Entries have no time, and no clock decides their order. How old they are is known from marks: now and then the time and the newest version
//! are written down, and entries up to a mark that is older than they are to be kept may go.

use std::time::Duration;

use coditect_store::tuple::Versionstamp;
use coditect_store::{RangeQuery, RunOptions, Term, Transaction};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::tail;
use crate::documents::Context;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::Version;
use crate::storage::parts::after;
use crate::storage::{Keys, record};

/// Which version was the newest at which time, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Marks(Vec<(Timestamp, Version)>);

impl Marks {
    /// Writes down what is the newest version, and forgets marks but the newest of those that are older than `keep`. Answers the version up to which
    /// entries are older.
    fn pass(&mut self, now: Timestamp, newest: Version, keep: Duration) -> Option<Version> {
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        // A mark of the future is from before the time of day was set back.
        self.0.retain(|(at, _)| *at <= now);
        if self.0.last().is_none_or(|(_, version)| *version < newest) {
            self.0.push((now, newest));
        }
        let old = self.0.iter().take_while(|(at, _)| now.duration_since(*at) >= keep).count();
        self.0.drain(..old.saturating_sub(1));
        (old > 0).then(|| self.0[0].1)
    }
}

/// Which entries are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    /// Those that were written within this time.
    pub(crate) time: Duration,
    /// Those behind this version, however old they are.
    pub(crate) behind: Option<Version>,
}

impl Kept {
    fn until(self, old: Option<Version>) -> Option<Version> {
        old.map(|old| self.behind.map_or(old, |behind| old.min(behind)))
    }
}

/// Whether entries are to be taken off, or a mark is to be made.
pub(crate) async fn is_due(context: &Context, kept: Kept) -> Result<bool> {
    let (now, keys) = (context.clock.now(), &context.keys);
    context
        .store
        .run(|tx| async move {
            let mut marks = read(&tx, keys).await?;
            let before = marks.clone();
            let until = kept.until(marks.pass(now, tail(&tx, keys).await?, kept.time));
            let Some(until) = until.filter(|_| marks == before) else { return Ok::<_, Error>(marks != before) };
            let first = RangeQuery { limit: 1, ..entries(keys, until) };
            Ok(!tx.snapshot().get_range(first).await?.items.is_empty())
        })
        .await
}

async fn read(tx: &Transaction, keys: &Keys) -> Result<Marks> {
    match tx.get(&keys.marks()).await? {
        Some(value) => record::decode(&value, "the marks of the change log"),
        None => Ok(Marks::default()),
    }
}

/// One round: takes off entries that need not be kept. Answers how many.
pub(crate) async fn round(context: &Context, term: &Term, kept: Kept) -> Result<usize> {
    let Some(until) = mark(context, term, kept).await? else { return Ok(0) };
    let mut taken = 0;
    loop {
        let some = take_off(context, term, until).await?;
        taken += some;
        if some < limits::TRIM_BATCH {
            return Ok(taken);
        }
    }
}

async fn mark(context: &Context, term: &Term, kept: Kept) -> Result<Option<Version>> {
    let (now, keys) = (context.clock.now(), &context.keys);
    context
        .store
        .run_with(RunOptions::background("trim"), |tx| async move {
            term.fence(&tx).await?;
            let mut marks = read(&tx, keys).await?;
            let before = marks.clone();
            let until = kept.until(marks.pass(now, tail(&tx, keys).await?, kept.time));
            if marks != before {
                tx.set(&keys.marks(), &record::encode(&marks)?);
            }
            Ok::<_, Error>(until)
        })
        .await
}

/// Takes the first entries off, none behind `until`, and says so in the same commit.
async fn take_off(context: &Context, term: &Term, until: Version) -> Result<usize> {
    let keys = &context.keys;
    context
        .store
        .run_with(RunOptions::background("trim"), |tx| async move {
            term.fence(&tx).await?;
            take_off_in(&tx, keys, until).await
        })
        .await
}

/// The entries up to `until`.
fn entries(keys: &Keys, until: Version) -> RangeQuery {
    let space = keys.log();
    let last = space.pack(&Versionstamp::complete(*until.as_bytes(), u16::MAX));
    RangeQuery::from((space.range().0, after(&last)))
}

async fn take_off_in(tx: &Transaction, keys: &Keys, until: Version) -> Result<usize> {
    let space = keys.log();
    let query = RangeQuery { limit: limits::TRIM_BATCH, ..entries(keys, until) };
    let page = tx.snapshot().collect_range(query).await?;
    let Some(last) = page.items.last() else { return Ok(0) };
    let stamp: Versionstamp =
        space.unpack(&last.key).map_err(|error| Error::corrupt("decode a key of the change log").caused_by(error))?;
    tx.clear_range(&space.range().0, &after(&last.key));
    tx.set(&keys.trimmed(), &stamp.as_bytes()[..10]);
    Ok(page.items.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u8) -> Version {
        Version::from_bytes([number; 10])
    }

    #[test]
    fn entries_are_as_old_as_the_first_mark_behind_them() {
        let (mut marks, keep) = (Marks::default(), Duration::from_secs(100));
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        assert_eq!(marks.pass(at(0), version(1), keep), None);
        assert_eq!(marks.pass(at(60), version(2), keep), None);
        assert_eq!(marks.pass(at(99), version(2), keep), None, "nothing new is no mark");
        assert_eq!(marks.pass(at(100), version(5), keep), Some(version(1)));
        assert_eq!(marks.pass(at(160), version(5), keep), Some(version(2)));
        assert_eq!(marks.pass(at(1_000), version(5), keep), Some(version(5)));
        assert_eq!(marks.0.len(), 1, "one is enough for what is gone");
        assert_eq!(marks.pass(at(1_010), version(6), keep), Some(version(5)));
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_entries_for_longer() {
        let (mut marks, keep) = (Marks::default(), Duration::from_secs(100));
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        marks.pass(at(5_000), version(1), keep);
        assert_eq!(marks.pass(at(200), version(2), keep), None);
        assert_eq!(marks.pass(at(300), version(2), keep), Some(version(2)));
    }
}
