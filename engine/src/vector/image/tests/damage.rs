//! Files that are not as they were written.

use std::os::unix::fs::FileExt;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::layout::PAGE;
use super::{Saved, build, lived_in, options, vectors};
use crate::vector::{ImageError, VectorIndex};

/// The image of an index with all that there can be.
static LIVED_IN: LazyLock<Vec<u8>> = LazyLock::new(|| Saved::of(&lived_in(3)).bytes);

fn load(bytes: &[u8]) -> Result<VectorIndex, ImageError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    std::fs::write(&path, bytes).unwrap();
    VectorIndex::load(&path, None)
}

/// What a wrong byte at `at` has to be taken for.
fn is_right(at: usize, error: &ImageError) -> bool {
    match at {
        0..8 => matches!(error, ImageError::NotAnImage { .. }),
        8..12 => matches!(error, ImageError::Version { .. }),
        12..PAGE => matches!(error, ImageError::Damaged { section: "header", .. }),
        _ => matches!(error, ImageError::Damaged { from, to, .. } if (*from..*to).contains(&(at as u64))),
    }
}

#[test]
fn every_wrong_byte_of_a_small_image_is_found() {
    let index = build(options(3), &vectors(30, 5, 3));
    assert!(index.remove(2));
    let saved = Saved::of(&index);
    let file = std::fs::OpenOptions::new().write(true).open(&saved.path).unwrap();
    for (at, byte) in saved.bytes.iter().enumerate() {
        file.write_all_at(&[byte ^ (1 << (at % 8))], at as u64).unwrap();
        let error = VectorIndex::load(&saved.path, None).unwrap_err();
        assert!(is_right(at, &error), "byte {at}: {error}");
        file.write_all_at(&[*byte], at as u64).unwrap();
    }
    assert!(VectorIndex::load(&saved.path, None).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_wrong_byte_of_a_graph_is_found(at in any::<prop::sample::Index>(), change in 1..=255_u8) {
        let mut bytes = LIVED_IN.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let error = load(&bytes).unwrap_err();
        prop_assert!(is_right(at, &error), "byte {}: {}", at, error);
    }

    #[test]
    fn files_that_were_cut_off_or_added_to_are_refused(to in any::<prop::sample::Index>(), more in 1..10_000_usize) {
        let bytes = &*LIVED_IN;
        let to = to.index(bytes.len());
        let length = |error| matches!(error, ImageError::Length { .. });
        prop_assert!(length(load(&bytes[..to]).unwrap_err()), "{} bytes", to);
        let longer: Vec<u8> = bytes.iter().copied().chain(std::iter::repeat_n(0, more)).collect();
        prop_assert!(length(load(&longer).unwrap_err()), "{} more", more);
    }

    #[test]
    fn other_files_are_refused(bytes in proptest::collection::vec(any::<u8>(), 1..10_000)) {
        prop_assert!(load(&bytes).is_err());
    }
}

#[test]
fn images_are_cut_off_within_the_header() {
    for length in 0..=PAGE {
        let error = load(&LIVED_IN[..length]).unwrap_err();
        assert!(matches!(error, ImageError::Length { .. }), "{length}: {error}");
    }
}

#[test]
fn messages_say_what_is_wrong_where_and_what_to_do() {
    let message = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = LIVED_IN.clone();
        change(&mut bytes);
        let text = load(&bytes).unwrap_err().to_string();
        let (before, rest) = text.split_once('/').unwrap();
        format!("{before}{}", &rest[rest.find("/image").unwrap() + 1..])
    };
    assert_eq!(
        message(&|bytes| bytes[8] = 9),
        "image image is of format version 9, this program reads version 2: build the index anew from its vectors"
    );
    assert_eq!(
        message(&|bytes| bytes[0] = b'P'),
        "image does not begin as an image of a vector index does: check the path"
    );
    let length = LIVED_IN.len();
    assert_eq!(
        message(&|bytes| bytes.push(0)),
        format!(
            "image image has {} bytes instead of {length}, it was cut off or added to: copy it again or build the index anew",
            length + 1
        )
    );
    assert_eq!(
        message(&|bytes| bytes[20] = 1),
        "image image is damaged in its header, at bytes 0 to 4096: copy it again or build the index anew"
    );
}
