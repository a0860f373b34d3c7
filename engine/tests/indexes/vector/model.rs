//! Any sequence of changes, against a map searched by brute force.

use std::collections::BTreeMap;

use coditect_engine::vector::{VectorIndex, VectorOptions, VectorQuery};
use proptest::prelude::*;
use roaring::RoaringBitmap;

#[derive(Debug, Clone)]
enum Step {
    Insert(u32, Vec<f32>),
    Batch(Vec<(u32, Vec<f32>)>),
    Remove(u32),
}

fn vector() -> impl Strategy<Value = Vec<f32>> {
    // Few values, so that equal vectors and equal distances are common.
    proptest::collection::vec((-2i8..=2).prop_map(f32::from), 3).prop_filter("zero", |v| v.iter().any(|&x| x != 0.0))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..60u32, vector()).prop_map(|(slot, v)| Step::Insert(slot, v)),
        2 => proptest::collection::vec((0..60u32, vector()), 1..20).prop_map(Step::Batch),
        3 => (0..60u32).prop_map(Step::Remove),
    ];
    proptest::collection::vec(step, 1..80)
}

fn apply(index: &VectorIndex, model: &mut BTreeMap<u32, Vec<f32>>, step: &Step) {
    match step {
        Step::Insert(slot, v) => {
            index.insert(*slot, v).unwrap();
            model.insert(*slot, v.clone());
        }
        Step::Batch(batch) => {
            let borrowed: Vec<(u32, &[f32])> = batch.iter().map(|(slot, v)| (*slot, v.as_slice())).collect();
            index.insert_batch(&borrowed).unwrap();
            model.extend(batch.iter().cloned());
        }
        Step::Remove(slot) => assert_eq!(index.remove(*slot), model.remove(slot).is_some()),
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(&p, &q)| f64::from(p) * f64::from(q)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn index_equals_brute_force(steps in steps(), query in vector(), k in 0..70usize, filter in proptest::collection::btree_set(0..70u32, 0..60)) {
        let small = VectorOptions { m: 4, ef_construction: 16, exact_below: 0, ..VectorOptions::new(3) };
        let index = VectorIndex::new(small).unwrap();
        let mut model = BTreeMap::new();
        for step in &steps {
            apply(&index, &mut model, step);
        }
        prop_assert_eq!(index.slots(), model.keys().copied().collect::<RoaringBitmap>());
        let filter: RoaringBitmap = filter.into_iter().collect();
        for allowed in [None, Some(&filter)] {
            let mut truth: Vec<f64> = model.iter().filter(|(slot, _)| allowed.is_none_or(|f| f.contains(**slot)))
                .map(|(_, v)| cosine(v, &query)).collect();
            truth.sort_by(|a, b| b.total_cmp(a));
            truth.truncate(k);
            for exact in [false, true] {
                let hits = index.search(&query, k, &VectorQuery { allowed, exact, ..VectorQuery::default() }).unwrap();
                prop_assert_eq!(hits.len(), truth.len());
                for (hit, best) in hits.iter().zip(&truth) {
                    // With an effort of 128 for at most 60 points, the graph must find everything too.
                    prop_assert!((f64::from(hit.score) - best).abs() < 1e-5);
                    prop_assert!((cosine(&model[&hit.slot], &query) - best).abs() < 1e-5);
                    prop_assert!(allowed.is_none_or(|f| f.contains(hit.slot)));
                }
            }
        }
    }
}
