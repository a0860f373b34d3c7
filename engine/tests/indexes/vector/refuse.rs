//! What the index refuses, and that a refusal changes nothing.

use coditect_engine::vector::{Metric, VectorError, VectorIndex, VectorOptions, VectorQuery, limits};

#[test]
fn vectors_that_have_no_similarity_are_refused_everywhere() {
    let index = VectorIndex::new(VectorOptions::new(3)).unwrap();
    index.insert(5, &[1.0, 2.0, 3.0]).unwrap();
    let bad: [(&[f32], VectorError); 6] = [
        (&[1.0, 2.0], VectorError::Dimension { expected: 3, got: 2 }),
        (&[], VectorError::Dimension { expected: 3, got: 0 }),
        (&[1.0, f32::NAN, 0.0], VectorError::NotFinite { position: 1 }),
        (&[1.0, 0.0, f32::INFINITY], VectorError::NotFinite { position: 2 }),
        (&[f32::NEG_INFINITY, 0.0, 1.0], VectorError::NotFinite { position: 0 }),
        (&[0.0, -0.0, 0.0], VectorError::Zero),
    ];
    for (vector, expected) in bad {
        assert_eq!(index.insert(5, vector), Err(expected.clone()));
        assert_eq!(index.insert_batch(&[(6, &[1.0, 0.0, 0.0]), (7, vector)]), Err(expected.clone()));
        assert_eq!(index.search(vector, 1, &VectorQuery::default()), Err(expected));
    }
    assert_eq!(index.len(), 1);
    assert!(index.get(5).is_some());
    assert_eq!(index.insert(limits::MAX_SLOTS, &[1.0; 3]), Err(VectorError::Slot { slot: limits::MAX_SLOTS }));
}

#[test]
fn extreme_but_finite_vectors_keep_their_direction() {
    let index = VectorIndex::new(VectorOptions::new(2)).unwrap();
    index.insert(0, &[f32::MAX, f32::MAX]).unwrap();
    index.insert(1, &[f32::MIN_POSITIVE, -f32::MIN_POSITIVE]).unwrap();
    let hits = index.search(&[1e-30, 1e-30], 2, &VectorQuery::default()).unwrap();
    assert_eq!(hits.iter().map(|hit| hit.slot).collect::<Vec<_>>(), [0, 1]);
    assert!((hits[0].score - 1.0).abs() < 1e-6 && hits[1].score.abs() < 1e-6);
    let long = VectorIndex::new(VectorOptions { metric: Metric::Dot, ..VectorOptions::new(2) }).unwrap();
    assert_eq!(long.insert(0, &[f32::MAX, 1.0]), Err(VectorError::TooLong));
    assert_eq!(long.insert(0, &[0.0, 0.0]), Err(VectorError::Zero));
    let euclidean = VectorIndex::new(VectorOptions { metric: Metric::Euclidean, ..VectorOptions::new(2) }).unwrap();
    euclidean.insert(0, &[0.0, 0.0]).unwrap();
    assert_eq!(euclidean.search(&[3.0, 4.0], 1, &VectorQuery::default()).unwrap()[0].score, -5.0);
}

#[test]
fn options_out_of_range_are_refused() {
    let good = VectorOptions::new(8);
    for bad in [
        VectorOptions { dimension: 0, ..good.clone() },
        VectorOptions { dimension: limits::MAX_DIMENSION + 1, ..good.clone() },
        VectorOptions { m: 1, ..good.clone() },
        VectorOptions { ef_construction: 5, ..good.clone() },
        VectorOptions { ef_search: 0, ..good },
    ] {
        assert!(matches!(VectorIndex::new(bad), Err(VectorError::Options(_))));
    }
}
