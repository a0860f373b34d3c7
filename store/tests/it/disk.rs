//! Disks that fail: full, failing writes, failing flushes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use coditect_store::faults::DiskFaults;
use coditect_store::{EmbeddedOptions, Error, ErrorKind, RangeQuery, RunOptions, Store};

use crate::support::{child, get, open, put};

async fn faulty(dir: &std::path::Path) -> (Store, DiskFaults) {
    let faults = DiskFaults::default();
    let options = EmbeddedOptions::new(dir).with_disk_faults(faults.clone());
    (Store::open_embedded(options).await.unwrap(), faults)
}

/// Commits one key, again and again while the store rests from an error of the disk.
async fn put_once_rested(store: &Store, key: &[u8], value: &[u8], rests: ErrorKind) -> Result<u64, Error> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match put(store, key, value).await {
            Err(error) if error.kind() == rests && Instant::now() < deadline => tokio::task::yield_now().await,
            result => return result,
        }
    }
}

/// Writes until the disk is full; answers how many were acknowledged.
async fn fill(store: &Store) -> u32 {
    for number in 0..10_000u32 {
        match put(store, &number.to_be_bytes(), &vec![number as u8; 50_000]).await {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Full, "{error:?}");
                return number;
            }
        }
    }
    panic!("the disk never became full");
}

async fn check(store: &Store, acknowledged: u32) {
    let all = store.run(|tx| async move { tx.collect_range(RangeQuery::prefix(b"")).await }).await.unwrap();
    assert_eq!(all.items.len() as u32, acknowledged);
    for (number, item) in all.items.iter().enumerate() {
        assert_eq!(item.key, (number as u32).to_be_bytes()[..]);
        assert_eq!(item.value, vec![number as u8; 50_000]);
    }
}

#[tokio::test]
async fn full_disk_refuses_writes_and_keeps_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(dir.path()).await;
    faults.limit_size(Some(3_000_000));
    let acknowledged = fill(&store).await;
    assert!(acknowledged > 20, "{acknowledged}");
    check(&store, acknowledged).await;
    for _ in 0..3 {
        assert_eq!(put(&store, b"more", &vec![0; 90_000]).await.unwrap_err().kind(), ErrorKind::Full);
    }
    check(&store, acknowledged).await;
    faults.limit_size(None);
    let (key, value) = (acknowledged.to_be_bytes(), vec![acknowledged as u8; 50_000]);
    put_once_rested(&store, &key, &value, ErrorKind::Full).await.unwrap();
    check(&store, acknowledged + 1).await;
    store.close().await.unwrap();
    let store = open(dir.path()).await;
    check(&store, acknowledged + 1).await;
    store.close().await.unwrap();
}

#[tokio::test]
async fn full_disk_still_opens() {
    let dir = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(dir.path()).await;
    faults.limit_size(Some(2_000_000));
    let acknowledged = fill(&store).await;
    // The disk stays full: closing may say so, but nothing is lost by it.
    let _ = store.close().await;
    let options = EmbeddedOptions::new(dir.path()).with_disk_faults(faults);
    let store = Store::open_embedded(options).await.unwrap();
    check(&store, acknowledged).await;
    let _ = store.close().await;
}

/// Commits numbered keys, one after the other, while flushes or writes fail; answers which were acknowledged, refused for
/// certain, and unknown. `fault` says whether to wait while the store rests from the one before.
async fn commit_through(store: &Store, mut fault: impl FnMut(u32) -> bool) -> [Vec<u32>; 3] {
    let mut outcome = [const { Vec::new() }; 3];
    for number in 0..60u32 {
        let wait = fault(number);
        let (key, value) = (number.to_be_bytes(), vec![number as u8; 3000]);
        let committed = if wait {
            put_once_rested(store, &key, &value, ErrorKind::Unavailable).await
        } else {
            put(store, &key, &value).await
        };
        let of = match committed.map_err(|error| error.kind()) {
            Ok(_) => 0,
            Err(ErrorKind::UnknownResult) => 2,
            Err(ErrorKind::Io | ErrorKind::Unavailable) => 1,
            Err(other) => panic!("{other:?}"),
        };
        outcome[of].push(number);
    }
    outcome
}

async fn check_outcome(store: &Store, [acknowledged, refused, unknown]: &[Vec<u32>; 3]) {
    for number in acknowledged {
        assert_eq!(get(store, &number.to_be_bytes()).await, Some(vec![*number as u8; 3000]));
    }
    for number in refused {
        assert_eq!(get(store, &number.to_be_bytes()).await, None);
    }
    for number in unknown {
        let value = get(store, &number.to_be_bytes()).await;
        assert!(value.is_none() || value == Some(vec![*number as u8; 3000]), "never a part of it");
    }
}

#[tokio::test]
async fn failed_flush_acknowledges_nothing_and_the_store_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(dir.path()).await;
    let outcome = commit_through(&store, |number| {
        if number % 10 == 5 {
            faults.fail_flush_after(0);
        }
        true
    })
    .await;
    let [acknowledged, refused, unknown] = &outcome;
    assert_eq!(refused.len() + unknown.len(), 6, "{outcome:?}");
    assert_eq!(acknowledged.len(), 54);
    check_outcome(&store, &outcome).await;
    store.close().await.unwrap();
    let store = open(dir.path()).await;
    check_outcome(&store, &outcome).await;
    store.close().await.unwrap();
}

#[tokio::test]
async fn failed_writes_acknowledge_nothing_and_the_store_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(dir.path()).await;
    let outcome = commit_through(&store, |number| {
        match number % 10 {
            4 => faults.fail_writes_after(Some(u64::from(number % 7))),
            8 => faults.fail_writes_after(None),
            _ => {}
        }
        !(4..8).contains(&(number % 10))
    })
    .await;
    assert!(outcome[0].len() >= 36, "{outcome:?}");
    assert!(outcome[1].len() + outcome[2].len() >= 6, "{outcome:?}");
    check_outcome(&store, &outcome).await;
    store.close().await.unwrap();
    let store = open(dir.path()).await;
    check_outcome(&store, &outcome).await;
    store.close().await.unwrap();
}

#[tokio::test]
async fn readers_come_back_without_anybody_committing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(dir.path()).await;
    put(&store, b"k", b"1").await.unwrap();
    faults.fail_writes_after(Some(0));
    put(&store, b"k", b"2").await.unwrap_err();
    assert_eq!(store.begin().get(b"k").await.unwrap_err().kind(), ErrorKind::Unavailable);
    faults.forget();
    assert_eq!(get(&store, b"k").await.as_deref(), Some(&b"1"[..]));
    store.close().await.unwrap();
}

/// What was written before the error is forgotten with it, so who read before it cannot be judged.
#[tokio::test]
async fn transactions_from_before_an_error_do_not_commit_on_stale_reads() {
    let dir = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(dir.path()).await;
    let stale = store.begin();
    assert_eq!(stale.get(b"k").await.unwrap(), None);
    stale.set(b"seen", b"nothing");
    put(&store, b"k", b"1").await.unwrap();
    faults.fail_flush_after(0);
    put(&store, b"other", b"1").await.unwrap_err();
    put_once_rested(&store, b"other", b"2", ErrorKind::Unavailable).await.unwrap();
    assert!(stale.commit().await.unwrap_err().is_retryable());
    assert_eq!(get(&store, b"seen").await, None);
    store.close().await.unwrap();
}

/// Callers that use the retry loop only notice that it takes longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_ride_over_failed_flushes() {
    const TASKS: u64 = 6;
    const ROUNDS: u64 = 15;
    let dir = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(dir.path()).await;
    let done = Arc::new(AtomicU64::new(0));
    let tasks = (0..TASKS).map(|task| {
        let (store, faults, done) = (store.clone(), faults.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let key = [task, round].map(u64::to_be_bytes).concat();
                let key = &key;
                let set = store.run_with(RunOptions::default(), |tx| async move {
                    tx.get(key).await?;
                    tx.set(key, b"done");
                    Ok::<_, Error>(())
                });
                match set.await {
                    Ok(()) => {}
                    // A flush that failed for certain is an error of the disk, which is for the caller to judge.
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Io),
                }
                if done.fetch_add(1, Ordering::Relaxed) % 20 == 7 {
                    faults.fail_flush_after(1);
                }
            }
        })
    });
    futures::future::try_join_all(tasks).await.unwrap();
    faults.forget();
    put_once_rested(&store, b"last", b"1", ErrorKind::Unavailable).await.unwrap();
    store.close().await.unwrap();
}

/// The real thing: the operating system refuses to let the file grow.
#[test]
fn full_disk_of_the_operating_system() {
    let dir = tempfile::tempdir().unwrap();
    let status = child("disk::fills_a_file_of_limited_size").env("STORE_DIR", dir.path()).status().unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
#[ignore = "a part of full_disk_of_the_operating_system that limits its own process"]
async fn fills_a_file_of_limited_size() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let Some(dir) = std::env::var_os("STORE_DIR") else {
        return;
    };
    let limit = Rlimit { current: Some(2_000_000), maximum: Some(2_000_000) };
    setrlimit(Resource::Fsize, limit).unwrap();
    // Growing over the limit raises a signal that ends the process, unless somebody listens to it.
    let _listening = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(25)).unwrap();
    let dir = std::path::Path::new(&dir);
    let store = open(dir).await;
    let acknowledged = fill(&store).await;
    assert!(acknowledged > 15, "{acknowledged}");
    check(&store, acknowledged).await;
    let _ = store.close().await;
    let store = open(dir).await;
    check(&store, acknowledged).await;
    let _ = store.close().await;
}
