//! Churn: deletes and inserts in place keep recall, memory and reachability.

use coditect_engine::vector::{VectorIndex, VectorQuery};
use rand::RngExt;

use super::data::{build, clustered, options, recall, rng};

const LIVE: usize = 2_000;
const ROUNDS: usize = 1_000;

#[test]
fn churn_in_random_order_is_as_good_as_a_fresh_build() {
    churn(21, |live, rng| live.swap_remove(rng.random_range(0..live.len())));
}

#[test]
fn churn_in_clustered_order_is_as_good_as_a_fresh_build() {
    churn(22, |live, _| live.remove(0));
}

/// Replaces 1 % of the points a round, `victim` choosing which go, and compares with an index built at once.
fn churn(seed: u64, victim: impl Fn(&mut Vec<(u32, usize)>, &mut super::data::Rng) -> (u32, usize)) {
    let mut rng = rng(seed);
    let mut data = clustered(&mut rng, LIVE + ROUNDS * LIVE / 100 + 200, 32, 60);
    let queries: Vec<_> = (0..200).rev().map(|i| data.remove(i * (data.len() / 200))).collect();
    let index = build(options(32), &data[..LIVE]);
    let mut live: Vec<(u32, usize)> = (0..LIVE).map(|i| (i as u32, i)).collect();
    let before = index.memory_bytes();
    let mut next = LIVE;
    for _ in 0..ROUNDS {
        let freed: Vec<u32> = (0..LIVE / 100).map(|_| victim(&mut live, &mut rng).0).collect();
        assert!(freed.iter().all(|&slot| index.remove(slot)));
        for slot in freed {
            index.insert(slot, &data[next]).unwrap();
            live.push((slot, next));
            next += 1;
        }
    }
    let vectors: Vec<Vec<f32>> = live.iter().map(|&(_, i)| data[i].clone()).collect();
    let fresh = recall(&build(options(32), &vectors), &queries, 10, None);
    let churned = recall(&index, &queries, 10, None);
    assert!(churned >= fresh - 0.005, "recall {churned} after churn, {fresh} fresh");
    assert_eq!(unreachable(&index, &live, &data), 0);
    let grown = index.memory_bytes() as f64 / before as f64;
    assert!(grown < 1.1, "memory grew {grown} times");
}

/// Live points that a search for their own vector does not find.
fn unreachable(index: &VectorIndex, live: &[(u32, usize)], data: &[Vec<f32>]) -> usize {
    let missed = |&&(slot, i): &&(u32, usize)| {
        let hits = index.search(&data[i], 1, &VectorQuery::default()).unwrap();
        hits.first().map(|hit| hit.slot) != Some(slot)
    };
    live.iter().filter(missed).count()
}

#[test]
fn emptied_and_filled_again() {
    let mut rng = rng(23);
    let data = clustered(&mut rng, 1_000, 16, 10);
    let index = build(options(16), &data);
    for round in 0..3 {
        for slot in 0..1_000 {
            assert!(index.remove(slot), "round {round}");
            assert!(!index.remove(slot));
        }
        assert!(index.is_empty() && index.distinct() == 0);
        assert!(index.search(&data[0], 10, &VectorQuery::default()).unwrap().is_empty());
        let batch: Vec<(u32, &[f32])> = (0..).zip(data.iter().map(Vec::as_slice)).collect();
        index.insert_batch(&batch).unwrap();
        assert!(recall(&index, &data[..100], 10, None) >= 0.95);
    }
}

#[test]
fn searches_run_while_points_come_and_go() {
    let mut rng = rng(24);
    let data = clustered(&mut rng, 4_000, 16, 20);
    let index = build(options(16), &data[..2_000]);
    std::thread::scope(|scope| {
        let searches = scope.spawn(|| {
            for query in data.iter().cycle().take(3_000) {
                assert_eq!(index.search(query, 10, &VectorQuery::default()).unwrap().len(), 10);
            }
        });
        for i in 0..1_000u32 {
            index.insert(2_000 + i, &data[2_000 + i as usize]).unwrap();
            index.remove(i);
        }
        searches.join().unwrap();
    });
    assert_eq!(index.len(), 2_000);
}
