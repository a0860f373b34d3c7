//! Unfiltered searches: recall, ties, duplicates, odd sizes, determinism.

use coditect_engine::vector::{Hit, Metric, VectorOptions, VectorQuery};

use super::data::{build, clustered, options, random, recall, rng};

#[test]
fn recall_at_defaults_on_random_data() {
    let mut rng = rng(1);
    let vectors = random(&mut rng, 10_000, 24);
    let queries = random(&mut rng, 200, 24);
    let index = build(options(24), &vectors);
    let recall = recall(&index, &queries, 10, None);
    assert!(recall >= 0.95, "recall {recall}");
}

#[test]
fn recall_at_defaults_on_clustered_data_inserted_cluster_by_cluster() {
    let mut rng = rng(2);
    let mut vectors = clustered(&mut rng, 10_200, 64, 100);
    let queries: Vec<_> = (0..200).rev().map(|i| vectors.remove(i * 51)).collect();
    for metric in [Metric::Cosine, Metric::Dot, Metric::Euclidean] {
        let index = build(VectorOptions { metric, ..options(64) }, &vectors);
        let recall = recall(&index, &queries, 10, None);
        assert!(recall >= 0.95, "{metric:?}: recall {recall}");
    }
}

#[test]
fn single_inserts_are_as_good_as_batches() {
    let mut rng = rng(3);
    let vectors = random(&mut rng, 3_000, 24);
    let queries = random(&mut rng, 200, 24);
    let index = coditect_engine::vector::VectorIndex::new(options(24)).unwrap();
    for (slot, vector) in (0..).zip(&vectors) {
        index.insert(slot, vector).unwrap();
    }
    let recall = recall(&index, &queries, 10, None);
    assert!(recall >= 0.95, "recall {recall}");
}

#[test]
fn equal_input_gives_equal_answers_whatever_the_threads() {
    let mut rng = rng(4);
    let vectors = clustered(&mut rng, 3_000, 24, 30);
    let queries = random(&mut rng, 100, 24);
    let answers = |threads: usize| -> Vec<Vec<Hit>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let index = pool.install(|| build(options(24), &vectors));
        let low_effort = VectorQuery { ef: Some(10), ..VectorQuery::default() };
        queries.iter().map(|query| index.search(query, 10, &low_effort).unwrap()).collect()
    };
    assert_eq!(answers(1), answers(3));
}

#[test]
fn ties_go_by_slot() {
    let index = build(options(2), &vec![vec![1.0, 0.0]; 50]);
    let low = VectorQuery { ef: Some(5), ..VectorQuery::default() };
    let slots: Vec<u32> = index.search(&[1.0, 0.0], 5, &low).unwrap().iter().map(|hit| hit.slot).collect();
    assert_eq!(slots, [0, 1, 2, 3, 4]);
    let four: Vec<Vec<f32>> = vec![vec![0.0, 1.0], vec![0.0, -1.0], vec![1.0, 0.0], vec![-1.0, 0.0]];
    let index = build(VectorOptions::new(2), &four);
    let hits = index.search(&[1.0, 1.0], 4, &VectorQuery::default()).unwrap();
    assert_eq!(hits.iter().map(|hit| hit.slot).collect::<Vec<_>>(), [0, 2, 1, 3]);
}

#[test]
fn thousands_of_copies_do_not_cut_the_graph_apart() {
    let mut rng = rng(5);
    let others = random(&mut rng, 3_000, 16);
    let mut vectors = vec![vec![0.5; 16]; 3_000];
    // Near copies, as an embedder gives for one text in different batches.
    vectors
        .extend((0..1_000).map(|i| (0..16).map(|d| if d == i % 16 { 0.5 + 1e-6 * i as f32 } else { 0.5 }).collect()));
    vectors.extend(others);
    let index = build(options(16), &vectors);
    assert_eq!(index.len(), 7_000);
    assert!(index.distinct() < 4_100, "equal vectors share a point");
    let queries = random(&mut rng, 200, 16);
    let recall = recall(&index, &queries, 10, None);
    assert!(recall >= 0.95, "recall {recall}");
    let copies = index.search(&[0.5; 16], 2_500, &VectorQuery::default()).unwrap();
    assert_eq!(copies.iter().map(|hit| hit.slot).take(2_500).collect::<Vec<_>>(), (0..2_500).collect::<Vec<_>>());
}

#[test]
fn odd_sizes() {
    let index = build(options(3), &[]);
    assert!(index.search(&[1.0, 0.0, 0.0], 10, &VectorQuery::default()).unwrap().is_empty());
    let index = build(options(3), &[vec![1.0, 0.0, 0.0]]);
    assert_eq!(index.search(&[2.0, 0.0, 0.0], 10, &VectorQuery::default()).unwrap(), [Hit { slot: 0, score: 1.0 }]);
    let vectors = random(&mut rng(6), 700, 3);
    let index = build(options(3), &vectors);
    for k in [0, 1, 699, 700, 701, 100_000] {
        let hits = index.search(&[1.0, 2.0, 3.0], k, &VectorQuery::default()).unwrap();
        assert_eq!(hits.len(), k.min(700));
    }
    let one = build(options(1), &[vec![3.0], vec![-2.0]]);
    let hits = one.search(&[1.0], 2, &VectorQuery::default()).unwrap();
    assert_eq!(hits, [Hit { slot: 0, score: 1.0 }, Hit { slot: 1, score: -1.0 }]);
}
