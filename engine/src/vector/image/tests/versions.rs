//! Images that earlier programs wrote.

use std::path::{Path, PathBuf};

use super::load;
use crate::vector::{ImageError, VectorIndex, VectorQuery};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vector/image/tests/fixtures").join(name)
}

/// Version 1 had no links that last.
#[test]
fn version_1_is_refused_by_its_number() {
    let path = fixture("version-1.image");
    let refused = VectorIndex::load(&path, None);
    assert!(matches!(refused, Err(ImageError::Version { found: 1, .. })), "{refused:?}");
}

/// `version-2.image` was written by `lived_in(3).save(…)` when version 2 was new. A change of what is written, or of how codes are made of vectors, makes
/// a new version of the format; this one must still load, or be refused by its number.
#[test]
fn version_2() {
    let index = load(&fixture("version-2.image"));
    assert_eq!((index.len(), index.distinct(), index.options().seed), (1_090, 1_070, 42));
    let (mut found, mut expected) = (0, 0);
    for slot in index.slots().iter().step_by(10) {
        let query = index.get(slot).unwrap();
        let truth = index.search(&query, 5, &VectorQuery { exact: true, ..VectorQuery::default() }).unwrap();
        let hits = index.search(&query, 5, &VectorQuery::default()).unwrap();
        expected += truth.len();
        found += hits.iter().filter(|hit| truth.contains(hit)).count();
    }
    assert!(found * 100 >= expected * 98, "{found} of {expected}: codes mean what they meant");
}
