//! What comes back from an image is the index that was saved, and lives on as that does.

use proptest::prelude::*;

use super::{Saved, build, image_of, lived_in, load, options, vectors};
use crate::vector::{ImageError, Metric, Quantization, VectorIndex, VectorOptions, VectorQuery};

#[derive(Debug, Clone)]
enum Step {
    Insert(u32, usize),
    Batch(Vec<(u32, usize)>),
    Remove(u32),
}

/// Changes of slots, with vectors by their number among `pool`.
fn steps(pool: usize) -> impl Strategy<Value = Vec<Step>> {
    let change = move || (0..1_300_u32, 0..pool);
    let step = prop_oneof![
        3 => change().prop_map(|(slot, vector)| Step::Insert(slot, vector)),
        2 => proptest::collection::vec(change(), 1..30).prop_map(Step::Batch),
        4 => (0..1_300_u32).prop_map(Step::Remove),
    ];
    proptest::collection::vec(step, 0..30)
}

fn apply(index: &VectorIndex, pool: &[Vec<f32>], step: &Step) {
    // When removed points may be used again depends on the searches under way: after the step here.
    let search = crossbeam_epoch::pin();
    match step {
        Step::Insert(slot, vector) => index.insert(*slot, &pool[*vector]).unwrap(),
        Step::Batch(batch) => {
            let batch: Vec<(u32, &[f32])> = batch.iter().map(|(slot, i)| (*slot, pool[*i].as_slice())).collect();
            index.insert_batch(&batch).unwrap();
        }
        Step::Remove(slot) => drop(index.remove(*slot)),
    }
    drop(search);
    index.writer.lock().settle();
}

fn assert_same(a: &VectorIndex, b: &VectorIndex, pool: &[Vec<f32>]) {
    assert_eq!((a.len(), a.distinct(), a.slots()), (b.len(), b.distinct(), b.slots()));
    assert!(a.slots().iter().all(|slot| a.get(slot) == b.get(slot)));
    let some = a.slots().iter().step_by(3).collect();
    for query in pool.iter().step_by(1 + pool.len() / 10) {
        for (exact, allowed) in [(false, None), (true, None), (false, Some(&some))] {
            let how = VectorQuery { exact, allowed, ef: Some(12), ..VectorQuery::default() };
            assert_eq!(a.search(query, 10, &how).unwrap(), b.search(query, 10, &how).unwrap());
        }
    }
}

/// Builds an index of the first `count` of `pool`, changes it, saves it, loads it, and changes both.
fn live_on(options: VectorOptions, pool: &[Vec<f32>], count: usize, before: &[Step], after: &[Step]) {
    let index = build(options, &pool[..count]);
    before.iter().for_each(|step| apply(&index, pool, step));
    let saved = Saved::of(&index);
    let loaded = load(&saved.path);
    assert_eq!(loaded.options(), index.options());
    assert!(image_of(&loaded) == saved.bytes, "an image of an unchanged index is the same");
    assert_same(&index, &loaded, pool);
    for step in after {
        apply(&index, pool, step);
        apply(&loaded, pool, step);
    }
    assert_same(&index, &loaded, pool);
    assert!(image_of(&loaded) == image_of(&index), "both have become the same");
}

fn metrics() -> impl Strategy<Value = Metric> {
    prop::sample::select(vec![Metric::Cosine, Metric::Dot, Metric::Euclidean])
}

fn quantizations() -> impl Strategy<Value = Quantization> {
    use Quantization::{Auto, Float16, Float32, Int8, OneBit};
    prop::sample::select(vec![Auto, OneBit, Int8, Float16, Float32])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn small_indexes_live_on(
        dimension in prop::sample::select(vec![1_usize, 2, 3, 65, 100, 384]),
        metric in metrics(), count in 0..40_usize, before in steps(40), after in steps(40),
    ) {
        live_on(VectorOptions { metric, ..options(dimension) }, &vectors(7, 40, dimension), count, &before, &after);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn graphs_live_on(
        dimension in prop::sample::select(vec![3_usize, 100, 128, 384]),
        metric in metrics(), quantization in quantizations(),
        count in 960..1_150_usize, before in steps(1_200), after in steps(1_200),
    ) {
        live_on(VectorOptions { metric, quantization, ..options(dimension) }, &vectors(8, 1_200, dimension), count, &before, &after);
    }
}

#[test]
fn an_index_becomes_a_graph_after_loading_and_trains_its_codes_again() {
    let pool = vectors(9, 4_200, 16);
    let rest: Vec<Step> = (0..)
        .zip(1_100..4_200)
        .map(|(slot, i)| (2_000 + slot, i))
        .collect::<Vec<_>>()
        .chunks(500)
        .map(|part| Step::Batch(part.to_vec()))
        .collect();
    live_on(options(16), &pool, 900, &[], &[Step::Batch((0..200).map(|i| (900 + i, 900 + i as usize)).collect())]);
    live_on(options(16), &pool, 1_100, &[], &rest);
}

#[test]
fn an_emptied_graph_lives_on() {
    let pool = vectors(10, 1_100, 8);
    let all: Vec<Step> = (0..1_100).map(Step::Remove).collect();
    let again = [Step::Batch((0..500).map(|i| (i, i as usize)).collect())];
    live_on(options(8), &pool, 1_100, &all, &again);
}

#[test]
fn equal_input_gives_equal_bytes_whatever_the_threads() {
    let pool = vectors(11, 1_500, 24);
    let image = |threads: usize| {
        let pool_of_threads = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool_of_threads.install(|| image_of(&build(options(24), &pool)))
    };
    let one = image(1);
    assert!(one == image(1) && one == image(3));
}

#[test]
fn nothing_of_removed_vectors_is_in_an_image() {
    let index = build(options(5), &vectors(12, 1_010, 5));
    let secret: Vec<u8> = index.get(77).unwrap().iter().flat_map(|x| x.to_le_bytes()).collect();
    let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret);
    assert!(holds(&image_of(&index)));
    assert!(index.remove(77));
    assert!(!holds(&image_of(&index)));
}

#[test]
fn an_image_is_of_one_moment_while_all_goes_on() {
    let pool = vectors(13, 2_400, 16);
    let index = build(options(16), &pool[..1_200]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    std::thread::scope(|scope| {
        let changes = scope.spawn(|| {
            for i in 0..1_200 {
                // The slot's old vector goes and the new one comes with one change each: always 1,200 in all.
                index.insert(i, &pool[1_200 + i as usize]).unwrap();
            }
        });
        while !changes.is_finished() {
            index.save(&path).unwrap();
            let loaded = load(&path);
            assert_eq!((loaded.len(), loaded.distinct()), (1_200, 1_200));
            let found = loaded.search(&pool[0], 10, &VectorQuery::default()).unwrap();
            assert_eq!(found.len(), 10);
            let again = index.search(&pool[5], 10, &VectorQuery::default()).unwrap();
            assert_eq!(again.len(), 10);
        }
    });
}

#[test]
fn a_failed_save_leaves_what_was_there() {
    let saved = Saved::of(&lived_in(3));
    let missing = saved.folder.path().join("none").join("image");
    let error = lived_in(3).save(&missing).unwrap_err();
    assert!(matches!(&error, ImageError::Io { doing: "create", .. }), "{error}");
    // A folder cannot be replaced by a file.
    let folder = saved.folder.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    assert!(matches!(lived_in(3).save(&folder), Err(ImageError::Io { doing: "rename", .. })));
    let mut names: Vec<_> =
        std::fs::read_dir(saved.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["folder", "index.image"], "no temporary file is left");
    assert!(matches!(VectorIndex::load(&missing, None), Err(ImageError::Io { doing: "open", .. })));
    assert!(VectorIndex::load(&folder, None).is_err());
}
