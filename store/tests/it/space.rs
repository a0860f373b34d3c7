//! Space: what is deleted or overwritten is used again, and a transaction that nobody ends does not hold it for ever.

use std::path::Path;
use std::time::Duration;

use coditect_store::RangeQuery;

use crate::support::{manual_clock, open, open_at};

const KEYS: u32 = 200;

fn size(dir: &Path) -> u64 {
    std::fs::metadata(dir.join("store.redb")).unwrap().len()
}

async fn overwrite(store: &coditect_store::Store, round: u32) {
    let tx = store.begin();
    for key in 0..KEYS {
        tx.set(&key.to_be_bytes(), &vec![round as u8; 2000]);
    }
    tx.commit().await.unwrap();
}

/// Story: memory and files that grow over update loops of constant size are the most frequent complaint about engines like this.
#[tokio::test]
async fn updates_of_constant_size_do_not_grow_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let clock = manual_clock();
    let store = open_at(dir.path(), &clock).await;
    let mut settled = 0;
    for round in 0..300 {
        overwrite(&store, round).await;
        clock.advance(Duration::from_secs(1));
        if round == 30 {
            settled = size(dir.path());
        }
    }
    assert!(size(dir.path()) <= settled, "{} grew to {}", settled, size(dir.path()));
    store.close().await.unwrap();
}

/// Old versions are kept for those who read at them, not for five seconds in any case.
#[tokio::test]
async fn updates_within_five_seconds_do_not_grow_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_at(dir.path(), &manual_clock()).await;
    let mut settled = 0;
    for round in 0..300 {
        overwrite(&store, round).await;
        if round == 30 {
            settled = size(dir.path());
        }
    }
    assert!(size(dir.path()) <= settled, "{} grew to {}", settled, size(dir.path()));
    store.close().await.unwrap();
}

#[tokio::test]
async fn space_of_removed_keys_is_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let clock = manual_clock();
    let store = open_at(dir.path(), &clock).await;
    let mut settled = 0;
    for round in 0..20 {
        overwrite(&store, round).await;
        clock.advance(Duration::from_secs(6));
        let tx = store.begin();
        tx.clear_range(b"", b"\xff");
        tx.commit().await.unwrap();
        clock.advance(Duration::from_secs(6));
        if round == 4 {
            settled = size(dir.path());
        }
    }
    assert!(size(dir.path()) <= settled, "{} grew to {}", settled, size(dir.path()));
    assert_eq!(store.begin().get_range(RangeQuery::prefix(b"")).await.unwrap().items.len(), 0);
    store.close().await.unwrap();
}

#[tokio::test]
async fn forgotten_transactions_do_not_hold_space() {
    let dir = tempfile::tempdir().unwrap();
    let clock = manual_clock();
    let store = open_at(dir.path(), &clock).await;
    let mut forgotten = Vec::new();
    let mut settled = 0;
    for round in 0..100 {
        let tx = store.begin();
        tx.get(b"k").await.unwrap();
        forgotten.push(tx);
        overwrite(&store, round).await;
        clock.advance(Duration::from_secs(1));
        if round == 30 {
            settled = size(dir.path());
        }
    }
    assert!(size(dir.path()) <= settled, "{} grew to {}", settled, size(dir.path()));
    store.close().await.unwrap();
}

#[tokio::test]
async fn many_small_commits_reopen_fast_and_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    for number in 0..500u32 {
        let tx = store.begin();
        tx.set(&number.to_be_bytes(), b"x");
        tx.commit().await.unwrap();
    }
    store.close().await.unwrap();
    let store = open(dir.path()).await;
    let all = store.begin().get_range(RangeQuery::prefix(b"")).await.unwrap().items;
    assert_eq!(all.len(), 500);
    store.close().await.unwrap();
}
