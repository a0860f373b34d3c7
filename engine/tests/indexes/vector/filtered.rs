//! Filtered search never collapses: recall over shares of excluded points, random and against the query.

use coditect_engine::vector::{VectorIndex, VectorQuery};
use roaring::RoaringBitmap;

use super::data::{build, clustered, options, random, recall, rng};

const EXCLUDED: [f64; 8] = [0.0, 50.0, 80.0, 90.0, 95.0, 98.0, 99.0, 99.9];

#[test]
fn random_filters_keep_recall() {
    let mut rng = rng(11);
    // Codes of few dimensions have no use for signs.
    for dimension in [24, 128] {
        let vectors = clustered(&mut rng, 10_000, dimension, 500);
        let queries: Vec<_> = vectors.iter().step_by(200).cloned().collect();
        let index = build(options(dimension), &vectors);
        for excluded in EXCLUDED {
            let allowed = pick(10_000, excluded);
            let recall = recall(&index, &queries, 10, Some(&allowed));
            assert!(recall >= 0.95, "{dimension} dimensions, {excluded} % excluded: recall {recall}");
        }
    }
}

/// A share of the slots chosen without regard to the vectors.
fn pick(count: u32, excluded: f64) -> RoaringBitmap {
    let keep = ((1.0 - excluded / 100.0) * f64::from(u32::MAX)) as u32;
    (0..count)
        .filter(|slot| slot.wrapping_mul(2_654_435_769).rotate_left(13).wrapping_mul(0x85EB_CA6B) <= keep)
        .collect()
}

#[test]
fn filters_against_the_query_keep_recall() {
    let mut rng = rng(12);
    for (dimension, vectors) in [
        (24, random(&mut rng, 10_000, 24)),
        (24, clustered(&mut rng, 10_000, 24, 100)),
        (128, clustered(&mut rng, 10_000, 128, 100)),
    ] {
        let index = build(options(dimension), &vectors);
        for query in vectors.iter().step_by(1_000) {
            let order = index.search(query, 10_000, &VectorQuery { exact: true, ..VectorQuery::default() }).unwrap();
            for excluded in EXCLUDED {
                // The nearest are what is excluded.
                let gone = (excluded / 100.0 * 10_000.0) as usize;
                let allowed: RoaringBitmap = order[gone..].iter().map(|hit| hit.slot).collect();
                let recall = recall(&index, std::slice::from_ref(query), 10, Some(&allowed));
                assert!(recall >= 0.95, "{excluded} % excluded: recall {recall}");
            }
        }
    }
}

#[test]
fn filters_on_one_cluster_keep_recall() {
    let mut rng = rng(13);
    let vectors = clustered(&mut rng, 10_000, 24, 5);
    let queries = random(&mut rng, 40, 24);
    let index = build(options(24), &vectors);
    for cluster in 0..5u32 {
        let allowed: RoaringBitmap = (cluster * 2_000..(cluster + 1) * 2_000).collect();
        let recall = recall(&index, &queries, 10, Some(&allowed));
        assert!(recall >= 0.95, "cluster {cluster}: recall {recall}");
    }
}

#[test]
fn filters_name_slots_that_are_copies_gone_or_never_were() {
    let mut vectors = vec![vec![1.0, 0.0]; 200];
    vectors.extend(random(&mut rng(14), 500, 2));
    let index = build(options(2), &vectors);
    assert!(index.remove(150));
    let allowed: RoaringBitmap = [3, 77, 150, 199, 5_000_000].into_iter().collect();
    assert_eq!(slots(&index, Some(&allowed)), [3, 77, 199]);
    assert!(slots(&index, Some(&RoaringBitmap::new())).is_empty());
    assert_eq!(slots(&index, Some(&RoaringBitmap::full())), slots(&index, None));
}

fn slots(index: &VectorIndex, allowed: Option<&RoaringBitmap>) -> Vec<u32> {
    let hits = index.search(&[1.0, 0.0], 10, &VectorQuery { allowed, ..VectorQuery::default() }).unwrap();
    hits.iter().map(|hit| hit.slot).collect()
}
