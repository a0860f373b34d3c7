//! Vectors that stay in their file, mapped.

use super::{Saved, build, image_of, lived_in, load, vectors};
use crate::vector::{VectorIndex, VectorOptions, VectorQuery};

/// Vectors of 2.4 MB: enough to be mapped, too few for a graph.
fn large() -> (Vec<Vec<f32>>, VectorIndex) {
    let pool = vectors(20, 800, 768);
    let index = build(VectorOptions { metric: crate::vector::Metric::Dot, ..VectorOptions::new(768) }, &pool);
    (pool, index)
}

#[test]
fn large_images_are_mapped_and_small_ones_are_not() {
    let (_, index) = large();
    let saved = Saved::of(&index);
    let loaded = load(&saved.path);
    assert_eq!(loaded.file_bytes(), 800 * 768 * 4);
    assert_eq!(load(&Saved::of(&lived_in(3)).path).file_bytes(), 0);
}

#[test]
fn the_file_may_lose_its_name_and_changes_do_not_reach_it() {
    let (pool, index) = large();
    let more = vectors(21, 2_000, 768);
    for in_folder in [false, true] {
        let saved = Saved::of(&index);
        let link = saved.folder.path().join("second-name");
        std::fs::hard_link(&saved.path, &link).unwrap();
        let folder = in_folder.then(|| saved.folder.path().to_owned());
        let loaded = VectorIndex::load(&saved.path, folder).unwrap();
        std::fs::remove_file(&saved.path).unwrap();
        // Into the rows of the file, into those behind it in its last block, and into blocks of their own.
        assert!((0..100).all(|slot| loaded.remove(slot)));
        let batch: Vec<(u32, &[f32])> = (3_000..).zip(more.iter().map(Vec::as_slice)).collect();
        loaded.writer.lock().settle();
        loaded.insert_batch(&batch).unwrap();
        assert_eq!((loaded.len(), loaded.distinct()), (2_700, 2_700));
        assert!((100..800).all(|slot| loaded.get(slot).as_ref() == Some(&pool[slot as usize])));
        assert!((0..2_000).all(|i| loaded.get(3_000 + i).as_ref() == Some(&more[i as usize])));
        assert_eq!(loaded.search(&more[1_999], 1, &VectorQuery::default()).unwrap().len(), 1);
        assert!(std::fs::read(&link).unwrap() == saved.bytes, "the file is as it was");
    }
}

#[test]
fn an_index_may_be_saved_over_the_image_that_it_has_mapped() {
    let (pool, index) = large();
    let saved = Saved::of(&index);
    let loaded = load(&saved.path);
    assert!(loaded.remove(5));
    loaded.save(&saved.path).unwrap();
    let again = load(&saved.path);
    assert_eq!((again.len(), again.get(6)), (799, Some(pool[6].clone())));
    assert!(loaded.get(6) == again.get(6) && image_of(&again) == image_of(&loaded));
}
