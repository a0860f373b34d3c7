//! What holds on a rough day too: when commits have unknown results, reads fail, watches are lost and a client is cut off. Transactions
//! run through [`crate::Store::run`] alone, and leave a mark by which a repeated one knows that it has been there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Bed, Numbers};
use crate::{AtomicOp, Error, KeySelector, RangeQuery, Store, Transaction};

const TASKS: u64 = 4;
const ROUNDS: u64 = 12;

/// `prefix/task/round`.
fn named(prefix: &str, task: u64, round: u64) -> Vec<u8> {
    format!("{prefix}/{task:02}/{round:03}").into_bytes()
}

/// Runs `body` in each of the tasks and waits for all.
async fn in_tasks<Fut>(store: &Store, body: impl Fn(Store, u64) -> Fut)
where
    Fut: Future<Output = ()> + Send + 'static,
{
    let tasks = (0..TASKS).map(|task| tokio::spawn(body(store.clone(), task)));
    futures::future::try_join_all(tasks).await.unwrap();
}

async fn all(store: &Store, prefix: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let range = RangeQuery::prefix(prefix.as_bytes());
    let read = store.run(|tx| {
        let range = range.clone();
        async move { tx.collect_range(range).await }
    });
    read.await.unwrap().items.iter().map(|item| (item.key.to_vec(), item.value.to_vec())).collect()
}

fn number(value: &[u8]) -> u64 {
    u64::from_be_bytes(value.try_into().unwrap())
}

pub(super) async fn marked_increments_are_exact(bed: Bed) {
    in_tasks(&bed.store, |store, task| async move {
        for round in 0..ROUNDS {
            let mark = named("mark", task, round);
            let add = |tx: Transaction| {
                let mark = mark.clone();
                async move {
                    if tx.get(&mark).await?.is_none() {
                        let count = tx.get(b"count").await?.map_or(0, |value| number(&value));
                        tx.set(b"count", &(count + 1).to_be_bytes());
                        tx.atomic(AtomicOp::Add, b"sum", &1u64.to_le_bytes());
                        tx.set(&mark, b"");
                    }
                    Ok::<_, Error>(())
                }
            };
            store.run(add).await.unwrap();
        }
    })
    .await;
    let count = all(&bed.store, "count").await;
    assert_eq!(number(&count[0].1), TASKS * ROUNDS);
    assert_eq!(all(&bed.store, "sum").await[0].1, (TASKS * ROUNDS).to_le_bytes());
    assert_eq!(all(&bed.store, "mark").await.len() as u64, TASKS * ROUNDS);
}

pub(super) async fn transfers_are_seen_whole(bed: Bed) {
    const ACCOUNTS: u64 = 5;
    let fill = |tx: Transaction| async move {
        (0..ACCOUNTS).for_each(|account| tx.set(&named("account", 0, account), &100u64.to_be_bytes()));
        Ok::<_, Error>(())
    };
    bed.store.run(fill).await.unwrap();
    in_tasks(&bed.store, |store, task| async move {
        for round in 0..ROUNDS {
            let (from, to) =
                (named("account", 0, round % ACCOUNTS), named("account", 0, (round + task + 1) % ACCOUNTS));
            let transfer = |tx: Transaction| {
                let (from, to) = (from.clone(), to.clone());
                async move {
                    let there = number(&tx.get(&from).await?.unwrap());
                    let moved = there.min(7);
                    tx.set(&from, &(there - moved).to_be_bytes());
                    let here = number(&tx.get(&to).await?.unwrap());
                    tx.set(&to, &(here + moved).to_be_bytes());
                    Ok::<_, Error>(())
                }
            };
            store.run(transfer).await.unwrap();
            let sum: u64 = all(&store, "account").await.iter().map(|(_, value)| number(value)).sum();
            assert_eq!(sum, 100 * ACCOUNTS);
        }
    })
    .await;
}

/// Appends an entry to the log once, whatever becomes of the commits.
async fn append(store: &Store, entry: &[u8]) {
    let log = |tx: Transaction| {
        let mark = [b"done/", entry].concat();
        async move {
            if tx.get(&mark).await?.is_none() {
                let template = [&b"log/"[..], &[0; 10], &4u32.to_le_bytes()].concat();
                tx.atomic(AtomicOp::SetVersionstampedKey, &template, entry);
                tx.atomic(AtomicOp::SetVersionstampedValue, &mark, &[0; 14]);
                tx.atomic(AtomicOp::Add, b"tail", &1u64.to_le_bytes());
            }
            Ok::<_, Error>(())
        }
    };
    store.run(log).await.unwrap();
}

pub(super) async fn log_has_each_entry_once(bed: Bed) {
    in_tasks(&bed.store, |store, task| async move {
        for round in 0..ROUNDS {
            append(&store, &named("entry", task, round)).await;
        }
    })
    .await;
    let log = all(&bed.store, "log/").await;
    let mut entries: Vec<_> =
        log.iter().map(|(key, entry)| ([b"done/", &entry[..]].concat(), key[4..].to_vec())).collect();
    entries.sort_unstable();
    assert_eq!(entries, all(&bed.store, "done/").await, "each once, at the stamp that its mark has");
    assert_eq!(entries.len() as u64, TASKS * ROUNDS);
    for task in 0..TASKS {
        let of_task = log.iter().filter(|(_, entry)| entry.starts_with(format!("entry/{task:02}/").as_bytes()));
        assert!(of_task.map(|(_, entry)| entry).is_sorted(), "a writer's entries are in its order");
    }
}

/// A reader that waits for the tail of the log by watch, and looks every now and then in case one was lost.
pub(super) async fn followers_miss_nothing(bed: Bed) {
    const POLL: Duration = Duration::from_millis(200);
    let store = bed.store.clone();
    let follower = tokio::spawn(async move {
        let (mut seen, mut after) = (Vec::new(), b"log/".to_vec());
        while (seen.len() as u64) < TASKS * ROUNDS {
            let look = |tx: Transaction| {
                let rest =
                    RangeQuery { begin: KeySelector::first_greater_than(after.clone()), ..RangeQuery::prefix(b"log/") };
                async move { Ok::<_, Error>((tx.collect_range(rest).await?.items, tx.watch(b"tail"))) }
            };
            let (items, watch) = store.run(look).await.unwrap();
            if let Some(last) = items.last() {
                after = last.key.to_vec();
                seen.extend(items.iter().map(|item| item.value.to_vec()));
                continue;
            }
            // A watch that failed or never fires is what the poll is for.
            let _ = tokio::time::timeout(POLL, watch).await;
        }
        seen
    });
    in_tasks(&bed.store, |store, task| async move {
        for round in 0..ROUNDS {
            append(&store, &named("entry", task, round)).await;
        }
    })
    .await;
    let seen = follower.await.unwrap();
    let log: Vec<_> = all(&bed.store, "log/").await.into_iter().map(|(_, entry)| entry).collect();
    assert_eq!(seen, log, "in the order of the log, without gaps");
}

/// What an attempt of a transaction saw and did.
#[derive(Debug, Clone)]
enum Step {
    Saw { key: Vec<u8>, value: Option<Vec<u8>> },
    SawRange { begin: Vec<u8>, items: Vec<(Vec<u8>, Vec<u8>)> },
    Set { key: Vec<u8>, value: Vec<u8> },
    Clear { begin: Vec<u8>, end: Vec<u8> },
    Add { key: Vec<u8> },
}

const KEYS: usize = 12;

fn data(number: usize) -> Vec<u8> {
    format!("data/{number:02}").into_bytes()
}

async fn random_step(tx: &Transaction, numbers: &mut Numbers) -> Result<Step, Error> {
    let key = data(numbers.below(KEYS));
    Ok(match numbers.below(6) {
        0 | 1 => {
            let value = tx.get(&key).await?.map(|value| value.to_vec());
            Step::Saw { key, value }
        }
        2 => {
            let found = tx.collect_range(RangeQuery::from((key.clone(), &b"data0"[..])).limit(3)).await?.items;
            let items = found.iter().map(|item| (item.key.to_vec(), item.value.to_vec())).collect();
            Step::SawRange { begin: key, items }
        }
        3 => {
            let value = vec![numbers.below(256) as u8];
            tx.set(&key, &value);
            Step::Set { key, value }
        }
        4 if numbers.below(3) == 0 => {
            let end = data(numbers.below(KEYS)).max(key.clone());
            tx.clear_range(&key, &end);
            Step::Clear { begin: key, end }
        }
        _ => {
            tx.atomic(AtomicOp::Add, &key, &[1]);
            Step::Add { key }
        }
    })
}

/// Does the same on a map; what was seen must be there.
fn replay(step: &Step, map: &mut BTreeMap<Vec<u8>, Vec<u8>>) {
    match step {
        Step::Saw { key, value } => assert_eq!(map.get(key), value.as_ref(), "{step:?}"),
        Step::SawRange { begin, items } => {
            let range = map.range(begin.clone()..).take(3).map(|(key, value)| (key.clone(), value.clone()));
            assert_eq!(range.collect::<Vec<_>>(), *items, "{step:?}");
        }
        Step::Set { key, value } => drop(map.insert(key.clone(), value.clone())),
        Step::Clear { begin, end } => map.retain(|key, _| key < begin || key >= end),
        Step::Add { key } => {
            let sum = map.get(key).map_or(0, |value| value[0]).wrapping_add(1);
            map.insert(key.clone(), vec![sum]);
        }
    }
}

/// Attempts by the text that each leaves in its mark.
type Attempts = Arc<Mutex<BTreeMap<String, Vec<Step>>>>;

async fn random_transaction(store: &Store, attempts: &Attempts, name: &[u8], numbers: &Mutex<Numbers>) {
    let run = |tx: Transaction| async move {
        if tx.get(name).await?.is_some() {
            return Ok(());
        }
        // Each attempt draws its own numbers.
        let mut own = Numbers(numbers.lock().below(usize::MAX / 2) as u64);
        let mut steps = Vec::new();
        for _ in 0..2 + own.below(5) {
            steps.push(random_step(&tx, &mut own).await?);
        }
        let attempt = format!("{} {}", String::from_utf8_lossy(name), own.below(usize::MAX / 2));
        attempts.lock().insert(attempt.clone(), steps);
        let mark = [&[0; 10], attempt.as_bytes(), &0u32.to_le_bytes()].concat();
        tx.atomic(AtomicOp::SetVersionstampedValue, name, &mark);
        Ok::<_, Error>(())
    };
    store.run(run).await.unwrap();
}

/// The transactions that committed, in the order of their stamps, saw what a map shows that runs them one after the other.
pub(super) async fn what_committed_is_serializable(bed: Bed) {
    let attempts = Attempts::default();
    in_tasks(&bed.store, |store, task| {
        let (attempts, seed) = (Arc::clone(&attempts), bed.seed);
        async move {
            let numbers = Mutex::new(Numbers(seed.wrapping_mul(31).wrapping_add(task)));
            for round in 0..3 * ROUNDS {
                random_transaction(&store, &attempts, &named("tx", task, round), &numbers).await;
            }
        }
    })
    .await;
    let mut committed: Vec<_> = all(&bed.store, "tx/").await.into_iter().map(|(_, mark)| mark).collect();
    assert_eq!(committed.len() as u64, 3 * TASKS * ROUNDS);
    committed.sort_unstable();
    let (attempts, mut map) = (attempts.lock().clone(), BTreeMap::new());
    for mark in committed {
        let steps = &attempts[std::str::from_utf8(&mark[10..]).unwrap()];
        steps.iter().for_each(|step| replay(step, &mut map));
    }
    assert_eq!(all(&bed.store, "data/").await, map.into_iter().collect::<Vec<_>>());
}
