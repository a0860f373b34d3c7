//! What every backend must do, one function per behaviour. Compiled with the feature `testing` only.
//!
//! A backend's test makes an empty [`Bed`] for each behaviour and runs it; [`crate::for_each_behaviour`] makes one test of each,
//! [`run_all`] runs them one after the other. The behaviours write anywhere in the key space; [`part`] keeps them in a part of a
//! store that others use as well. Those of [`ROUGH`] hold while the store meets faults.
#![allow(clippy::unwrap_used, reason = "a behaviour that does not hold panics, as tests do")]
#![allow(missing_docs, reason = "the names of the behaviours are what they check")]

mod atomics;
mod limits;
mod model;
mod own_writes;
mod part;
mod ranges;
mod retries;
mod rough;
mod selectors;
mod serial;
mod stamps;
mod time;
mod watches;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::{Error, ErrorKind, RangeQuery, Store, Transaction};
pub use part::{part, prefix_bytes, remove_part};

/// An empty store to try a behaviour on.
#[derive(Clone)]
pub struct Bed {
    /// The store.
    pub store: Store,
    /// Longest key that fits: [`crate::limits::KEY_BYTES`], less what a [`part`] takes.
    pub longest_key: usize,
    /// What random choices begin with.
    pub seed: u64,
    /// Lets time pass for the store: moves its clock, or waits where that cannot be done.
    pub pass: Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl fmt::Debug for Bed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bed").field("store", &self.store).finish_non_exhaustive()
    }
}

/// A behaviour that every backend has.
#[derive(Clone, Copy)]
pub struct Behaviour {
    /// What it is.
    pub name: &'static str,
    /// Panics when the store of the bed does not have it.
    pub check: fn(Bed) -> BoxFuture<'static, ()>,
}

impl fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Hands the names of all behaviours to the macro `$then`, separated by commas.
#[macro_export]
macro_rules! for_each_behaviour {
    ($then:ident) => {
        $then! {
            write_skew_is_refused, lost_update_is_refused, blind_writes_do_not_conflict,
            reads_are_of_one_version, acknowledged_commits_are_seen, dropped_transaction_changes_nothing,
            refused_transaction_changes_nothing, added_conflict_ranges_count, snapshot_reads_do_not_conflict,
            read_only_transaction_never_conflicts, transaction_commits_once, own_writes_are_no_read,
            concurrent_increments_lose_nothing, readers_see_whole_transfers,
            phantom_is_refused, cleared_range_conflicts, limit_shortens_the_conflict, reverse_limit_shortens_the_conflict,
            ranges_are_in_order, range_pages_join, large_ranges_come_in_pages, odd_ranges_are_refused,
            selectors_name_keys, selectors_at_the_ends, selector_conflicts_are_exact, ranges_between_selectors,
            own_writes_are_read_back, own_clears_are_read_back, own_atomics_are_read_back, own_stamps_are_unreadable,
            own_writes_agree_with_a_map, sets_and_clears_keep_their_order,
            atomic_table_holds, atomics_do_not_conflict_with_each_other, atomics_conflict_with_readers,
            stamped_keys_hold_the_stamp, stamped_values_hold_the_stamp, stamps_follow_the_order_of_commits,
            stamps_of_concurrent_commits_differ, stamped_tuples_unpack, odd_stamp_positions_are_refused,
            stamp_future_ends_with_the_transaction,
            watch_fires_on_change, watch_ignores_the_same_value, watch_fires_on_clears_and_atomics,
            watch_sees_what_came_before_its_commit, watch_of_own_write, watching_is_a_read, watch_ends_with_its_transaction,
            all_watches_of_a_key_fire, dropped_watches_make_room, watch_of_one_among_many_commits,
            keys_are_limited, values_are_limited, transactions_are_limited, system_keys_are_refused,
            first_error_is_kept, atomic_results_are_limited,
            reads_after_five_seconds_are_refused, commits_after_five_seconds_are_refused,
            four_seconds_are_fine, run_renews_old_transactions,
            run_retries_conflicts, run_retries_unknown_results, run_stops_at_its_deadline, run_drops_what_hangs,
            run_passes_other_errors_on, run_retries_failed_reads,
            random_transactions_are_serializable
        }
    };
}

use atomics::*;
use limits::*;
use model::*;
use own_writes::*;
use ranges::*;
use retries::*;
use rough::*;
use selectors::*;
use serial::*;
use stamps::*;
use time::*;
use watches::*;

macro_rules! table {
    ($($name:ident),+) => {
        /// All behaviours.
        pub const ALL: &[Behaviour] =
            &[$(Behaviour { name: stringify!($name), check: |bed| $name(bed).boxed() }),+];
    };
}
for_each_behaviour!(table);

/// Behaviours that hold whatever faults the store meets.
pub const ROUGH: &[Behaviour] = &[
    Behaviour { name: "marked_increments_are_exact", check: |bed| marked_increments_are_exact(bed).boxed() },
    Behaviour { name: "transfers_are_seen_whole", check: |bed| transfers_are_seen_whole(bed).boxed() },
    Behaviour { name: "log_has_each_entry_once", check: |bed| log_has_each_entry_once(bed).boxed() },
    Behaviour { name: "followers_miss_nothing", check: |bed| followers_miss_nothing(bed).boxed() },
    Behaviour { name: "what_committed_is_serializable", check: |bed| what_committed_is_serializable(bed).boxed() },
];

/// Behaviours that whoever else uses the store notices.
pub const DISRUPTIVE: &[Behaviour] = &[Behaviour {
    name: "versions_go_on_behind_an_advance",
    check: |bed| versions_go_on_behind_an_advance(bed).boxed(),
}];

/// Checks one behaviour.
///
/// # Panics
/// When the store does not have it, or no behaviour has this name.
pub async fn run(name: &str, bed: Bed) {
    let behaviour = ALL.iter().chain(DISRUPTIVE).find(|behaviour| behaviour.name == name);
    (behaviour.unwrap().check)(bed).await;
}

/// Checks all behaviours, each on a bed of its own.
///
/// # Panics
/// When the store does not have one of them.
pub async fn run_all(make: impl Fn() -> BoxFuture<'static, Bed>) {
    for behaviour in ALL {
        (behaviour.check)(make().await).await;
    }
}

/// Commits one key.
async fn put(store: &Store, key: &[u8], value: &[u8]) {
    let tx = store.begin();
    tx.set(key, value);
    tx.commit().await.unwrap();
}

/// Commits a key for each letter, with the letter as its value.
async fn put_letters(store: &Store, letters: &str) {
    let tx = store.begin();
    for letter in letters.bytes() {
        tx.set(&[letter], &[letter]);
    }
    tx.commit().await.unwrap();
}

/// The value of a key, read by a transaction of its own.
async fn value(store: &Store, key: &[u8]) -> Option<Bytes> {
    store.begin().get(key).await.unwrap()
}

/// The keys of a range as one string.
async fn letters(tx: &Transaction, range: RangeQuery) -> String {
    let items = tx.get_range(range).await.unwrap().items;
    items.iter().map(|item| String::from_utf8_lossy(&item.key).into_owned()).collect()
}

fn kind<T: fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

/// A reproducible stream of numbers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}
