//! Images that earlier programs wrote.

use std::path::Path;

use super::load;
use crate::vector::VectorQuery;

/// `version-1.image` was written by `lived_in(3).save(…)` when version 1 was new. A change of what is written, or of how codes are made of vectors, makes
/// a new version of the format; this one must still load, or be refused by its number.
#[test]
fn version_1() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vector/image/tests/fixtures");
    let index = load(&folder.join("version-1.image"));
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
