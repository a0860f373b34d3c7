//! Leases: of several processes on one store, one at a time does a job, and no clock is shared.
//!
//! A lease is a record that its holder changes now and then. Whoever waits for it measures on its own monotonic clock for how long the record has been
//! the same, and takes it over after the time to live. The earlier holder may not know yet, because it was only slow: each taking over therefore
//! begins a new term, and a transaction in which [`Term::fence`] is called cannot commit when its term is over (a fencing token; Gray & Cheriton:
//! "Leases", SOSP 1989, and Chubby's sequencers, Burrows, OSDI 2006).

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;
use crate::transaction::Transaction;

/// The format of a record, its first byte.
const FORMAT: u8 = 1;

/// One process's side of a lease.
#[derive(Debug)]
pub struct Lease {
    store: Store,
    key: Arc<[u8]>,
    time_to_live: Duration,
    me: Uuid,
    /// Another holder's record as last seen, and since when it has been the same.
    seen: Option<(Record, Duration)>,
}

/// A time during which one process holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    key: Arc<[u8]>,
    holder: Uuid,
    number: u64,
}

/// What the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    /// Nil when nobody holds the lease.
    holder: Uuid,
    term: u64,
    /// Changes with every renewal.
    beat: u64,
}

impl Lease {
    /// The lease at `key`, for a process that does not hold it yet. `time_to_live` must be the same for all, and many times the pauses of the
    /// processes and of the store.
    #[must_use]
    pub fn new(store: Store, key: Vec<u8>, time_to_live: Duration) -> Self {
        let me = store.clock().uuid();
        Self { store, key: key.into(), time_to_live, me, seen: None }
    }

    /// Takes the lease if it is free or its holder has not renewed it for the time to live, or renews it. `None` while another holds it.
    ///
    /// # Errors
    /// Those of [`Store::run`]; `Corrupt` for a record that is none.
    pub async fn hold(&mut self) -> Result<Option<Term>> {
        let now = self.store.clock().monotonic();
        let overdue = self.seen.filter(|(_, since)| now.saturating_sub(*since) >= self.time_to_live);
        let (key, me, overdue) = (&self.key, self.me, overdue.map(|(record, _)| record));
        let (record, is_mine) = self
            .store
            .run(|tx| async move {
                let found = read(&tx, key).await?;
                let next = match found {
                    Some(record) if record.holder == me => Record { beat: record.beat + 1, ..record },
                    Some(record) if !record.holder.is_nil() && Some(record) != overdue => return Ok((record, false)),
                    free => Record { holder: me, term: free.map_or(0, |record| record.term) + 1, beat: 0 },
                };
                tx.set(key, &next.encode());
                Ok::<_, Error>((next, true))
            })
            .await?;
        if is_mine {
            self.seen = None;
            return Ok(Some(Term { key: Arc::clone(&self.key), holder: me, number: record.term }));
        }
        if self.seen.is_none_or(|(seen, _)| seen != record) {
            self.seen = Some((record, now));
        }
        Ok(None)
    }

    /// Does `work` while this process holds the lease, which is renewed meanwhile. `None` when another holds it, or took it over before `work` was done: it is
    /// dropped then where it waits.
    ///
    /// # Errors
    /// As [`Lease::hold`].
    pub async fn during<T, F: Future<Output = T>>(&mut self, work: impl FnOnce(Term) -> F) -> Result<Option<T>> {
        let Some(term) = self.hold().await? else { return Ok(None) };
        let work = work(term.clone());
        let pause = self.time_to_live / 3;
        let renewing = async {
            loop {
                tokio::time::sleep(pause).await;
                if self.hold().await?.as_ref() != Some(&term) {
                    return Ok(());
                }
            }
        };
        tokio::select! {
            done = work => Ok(Some(done)),
            lost = renewing => lost.map(|()| None),
        }
    }

    /// Gives the lease back, if this process holds it, so that another need not wait.
    ///
    /// # Errors
    /// As [`Lease::hold`].
    pub async fn release(&mut self) -> Result<()> {
        let (key, me) = (&self.key, self.me);
        self.store
            .run(|tx| async move {
                if let Some(record) = read(&tx, key).await?.filter(|record| record.holder == me) {
                    tx.set(key, &Record { holder: Uuid::nil(), ..record }.encode());
                }
                Ok(())
            })
            .await
    }
}

impl Term {
    /// Makes `tx` fail unless this term still lasts when it commits.
    ///
    /// # Errors
    /// `Lost` when the term is over; those of a read.
    pub async fn fence(&self, tx: &Transaction) -> Result<()> {
        let record = read(tx, &self.key).await?;
        if record.is_some_and(|record| record.holder == self.holder && record.term == self.number) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Lost, "another process has taken over the lease of this work"))
    }

    /// Counts up with every holder.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl Record {
    fn encode(self) -> Vec<u8> {
        [&[FORMAT][..], self.holder.as_bytes(), &self.term.to_be_bytes(), &self.beat.to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[FORMAT])?;
        let (holder, rest) = rest.split_first_chunk::<16>()?;
        let (term, beat) = rest.split_first_chunk::<8>()?;
        let beat = <[u8; 8]>::try_from(beat).ok()?;
        let holder = Uuid::from_bytes(*holder);
        Some(Self { holder, term: u64::from_be_bytes(*term), beat: u64::from_be_bytes(beat) })
    }
}

async fn read(tx: &Transaction, key: &[u8]) -> Result<Option<Record>> {
    let Some(value) = tx.get(key).await? else { return Ok(None) };
    let record = Record::decode(&value);
    record.map(Some).ok_or_else(|| Error::new(ErrorKind::Corrupt, "the record of a lease has an unknown format"))
}
