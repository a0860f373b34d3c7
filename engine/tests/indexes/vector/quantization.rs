//! The forms in which a walk compares vectors.

use coditect_engine::vector::{Metric, Quantization, VectorOptions, VectorQuery};

use super::data::{build, clustered, normal, options, random, recall, rng};

const ALL: [Quantization; 5] =
    [Quantization::Auto, Quantization::OneBit, Quantization::Int8, Quantization::Float16, Quantization::Float32];

#[test]
fn every_form_finds_the_nearest_under_every_metric() {
    let mut rng = rng(21);
    let mut vectors = clustered(&mut rng, 4_100, 130, 40);
    let queries: Vec<_> = (0..100).rev().map(|i| vectors.remove(i * 41)).collect();
    for metric in [Metric::Cosine, Metric::Dot, Metric::Euclidean] {
        for quantization in ALL {
            let index = build(VectorOptions { metric, quantization, ..options(130) }, &vectors);
            let recall = recall(&index, &queries, 10, None);
            assert!(recall >= 0.98, "{metric:?}, {quantization:?}: recall {recall}");
        }
    }
}

#[test]
fn vectors_closer_than_eight_bits_can_tell_are_found_by_finer_forms() {
    let mut rng = rng(22);
    let centres = random(&mut rng, 4, 32);
    let near = |i: usize, rng: &mut _| centres[i % 4].iter().map(|x| x + 2e-4 * normal(rng)).collect::<Vec<f32>>();
    let vectors: Vec<Vec<f32>> = (0..8_000).map(|i| near(i, &mut rng)).collect();
    let queries: Vec<Vec<f32>> = (0..100).map(|i| near(i, &mut rng)).collect();
    let of = |quantization| {
        let index = build(VectorOptions { metric: Metric::Euclidean, quantization, ..options(32) }, &vectors);
        recall(&index, &queries, 10, None)
    };
    let (bytes, floats) = (of(Quantization::Int8), of(Quantization::Float32));
    assert!(floats >= 0.98 && floats > bytes, "by bytes {bytes}, by floats {floats}");
}

#[test]
fn a_finer_form_takes_more_memory() {
    let vectors = random(&mut rng(23), 3_000, 256);
    let bytes = |quantization| build(VectorOptions { quantization, ..options(256) }, &vectors).memory_bytes();
    assert!(bytes(Quantization::Float16) > bytes(Quantization::Int8) + 3_000 * 250);
}

#[test]
fn fewer_may_be_compared_exactly() {
    let vectors = random(&mut rng(24), 3_000, 130);
    let index = build(VectorOptions { quantization: Quantization::OneBit, ..options(130) }, &vectors);
    let all = index.search(&vectors[7], 10, &VectorQuery::default()).unwrap();
    let few = VectorQuery { rescore: Some(1), ..VectorQuery::default() };
    let few = index.search(&vectors[7], 10, &few).unwrap();
    assert_eq!((few.len(), few[0]), (10, all[0]), "as many results as ever");
}
