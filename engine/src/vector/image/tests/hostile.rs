//! Images whose checksums are right and whose contents are not: made by a faulty program, or to do harm.

use std::sync::LazyLock;

use proptest::prelude::*;
use twox_hash::XxHash3_64;

use super::{Saved, lived_in, options, vectors};
use crate::vector::image::layout::Section;
use crate::vector::{ImageError, VectorIndex, VectorOptions, VectorQuery};

static LIVED_IN: LazyLock<Vec<u8>> = LazyLock::new(|| Saved::of(&lived_in(3)).bytes);

fn number<const N: usize>(bytes: &[u8], at: usize) -> usize {
    let mut wide = [0; 8];
    wide[..N].copy_from_slice(&bytes[at..at + N]);
    u64::from_le_bytes(wide) as usize
}

/// Offset, rows, bytes of a row and rows of a chunk of a section, from the header's table.
fn place(bytes: &[u8], section: usize) -> [usize; 4] {
    let at = 108 + 24 * section;
    [number::<8>(bytes, at), number::<8>(bytes, at + 8), number::<4>(bytes, at + 16), number::<4>(bytes, at + 20)]
}

/// Makes all checksums right, going by the tables alone.
fn mend(bytes: &mut [u8]) {
    let mut checksums = Vec::new();
    for section in 0..Section::ALL.len() {
        let [offset, rows, row, chunk] = place(bytes, section);
        let chunks = bytes[offset..offset + rows * row].chunks(chunk * row);
        checksums.extend(chunks.flat_map(|chunk| XxHash3_64::oneshot(chunk).to_le_bytes()));
    }
    bytes[4_096..4_096 + checksums.len()].copy_from_slice(&checksums);
    bytes[380..388].copy_from_slice(&XxHash3_64::oneshot(&checksums).to_le_bytes());
    mend_header(bytes);
}

fn mend_header(bytes: &mut [u8]) {
    let checksum = XxHash3_64::oneshot(&bytes[..4_088]);
    bytes[4_088..4_096].copy_from_slice(&checksum.to_le_bytes());
}

fn load(bytes: &[u8]) -> Result<VectorIndex, ImageError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    std::fs::write(&path, bytes).unwrap();
    VectorIndex::load(&path, None)
}

/// Where a row of a section begins.
fn row(bytes: &[u8], section: Section, row: usize) -> usize {
    let [offset, _, length, _] = place(bytes, section as usize);
    offset + row * length
}

fn put(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

/// Writes a number into a row, `within` bytes behind its beginning.
fn put_row(bytes: &mut [u8], (section, number): (Section, usize), within: usize, value: u32) {
    let at = row(bytes, section, number) + within;
    put(bytes, at, value);
}

/// The section that a changed image is refused for.
fn refused(change: impl Fn(&mut Vec<u8>)) -> &'static str {
    let mut bytes = LIVED_IN.clone();
    change(&mut bytes);
    mend(&mut bytes);
    match load(&bytes).unwrap_err() {
        ImageError::Content { section, .. } => section,
        other => panic!("{other}"),
    }
}

/// The first point with that level.
fn point_of(bytes: &[u8], level: u8) -> usize {
    let [offset, rows, ..] = place(bytes, Section::Levels as usize);
    bytes[offset..offset + rows].iter().position(|&it| it == level).unwrap()
}

#[test]
fn unchanged_images_are_mended_to_themselves() {
    let mut bytes = LIVED_IN.clone();
    mend(&mut bytes);
    assert!(bytes == *LIVED_IN && load(&bytes).is_ok());
}

#[test]
fn links_lead_to_other_points_of_their_layer_once() {
    let (ground, upper, free) = (point_of(&LIVED_IN, 0), point_of(&LIVED_IN, 1), point_of(&LIVED_IN, 255));
    for target in [ground as u32 + 1, free as u32 + 1, 1_000_000, u32::MAX] {
        let link = |bytes: &mut Vec<u8>| put_row(bytes, (Section::Ground, ground), 0, target);
        assert_eq!(refused(link), "ground links", "{target}");
    }
    let double = |bytes: &mut Vec<u8>| {
        let at = row(bytes, Section::Ground, ground);
        let first = number::<4>(bytes, at) as u32;
        put(bytes, at + 4, first);
    };
    assert_eq!(refused(double), "ground links");
    let gap = |bytes: &mut Vec<u8>| put_row(bytes, (Section::Ground, ground), 0, 0);
    assert_eq!(refused(gap), "ground links");
    let of_free = |bytes: &mut Vec<u8>| put_row(bytes, (Section::Ground, free), 0, 1);
    assert_eq!(refused(of_free), "ground links");
    let mark_of_none = |bytes: &mut Vec<u8>| put_row(bytes, (Section::Ground, free), 0, 1 << 31);
    assert_eq!(refused(mark_of_none), "ground links");
    // A point that is not in the layer has no row there: this would be read from another point's, or from nowhere.
    let lower = |bytes: &mut Vec<u8>| {
        let start = number::<4>(bytes, row(bytes, Section::UpperStarts, upper)) - 1;
        put_row(bytes, (Section::Upper, start), 0, ground as u32 + 1);
    };
    assert_eq!(refused(lower), "upper links");
}

#[test]
fn rows_above_the_ground_belong_to_one() {
    let (ground, upper) = (point_of(&LIVED_IN, 0), point_of(&LIVED_IN, 1));
    for (point, start) in [(ground, 1), (upper, 0), (upper, u32::MAX), (upper, 1_000)] {
        let start = |bytes: &mut Vec<u8>| put_row(bytes, (Section::UpperStarts, point), 0, start);
        assert_eq!(refused(start), "upper starts");
    }
    for (at, value) in [(0, 0), (0, 13), (4, u32::MAX)] {
        let section = refused(|bytes: &mut Vec<u8>| put_row(bytes, (Section::FreeRows, 0), at, value));
        assert!(section == "free rows" || section == "upper starts", "{section}");
    }
}

#[test]
fn levels_slots_and_vectors_are_in_range() {
    assert_eq!(
        refused(|bytes| {
            let at = row(bytes, Section::Levels, 0);
            bytes[at] = 13;
        }),
        "levels"
    );
    for target in [u32::MAX, 100_000, point_of(&LIVED_IN, 255) as u32 + 1] {
        assert_eq!(refused(|bytes| put_row(bytes, (Section::Slots, 3), 0, target)), "slots");
    }
    // One slot fewer than the header says; a point that no slot stands for.
    assert_eq!(refused(|bytes| put_row(bytes, (Section::Slots, 1_000), 0, 0)), "header");
    let none = |bytes: &mut Vec<u8>| {
        let other = number::<4>(bytes, row(bytes, Section::Slots, 1_000)) as u32;
        put_row(bytes, (Section::Slots, 1_001), 0, other);
    };
    assert_eq!(refused(none), "slots");
    for component in [f32::NAN, f32::INFINITY, 2.0, -1e30] {
        assert_eq!(refused(|bytes| put_row(bytes, (Section::Vectors, 9), 0, component.to_bits())), "vectors");
    }
    assert_eq!(refused(|bytes| put_row(bytes, (Section::Centre, 0), 0, f32::NAN.to_bits())), "centre");
}

#[test]
fn headers_that_no_index_has_are_refused() {
    let header = |at: usize, value: u32| {
        let mut bytes = LIVED_IN.clone();
        put(&mut bytes, at, value);
        mend_header(&mut bytes);
        load(&bytes).unwrap_err()
    };
    // Every number of the header set to extremes; some may be anything.
    for at in (12..108).step_by(4).filter(|at| !matches!(at, 24..36 | 40..48)) {
        for value in [0, u32::MAX] {
            let mut bytes = LIVED_IN.clone();
            // Any point may be next in turn, the first too.
            if number::<4>(&bytes, at) as u32 == value || (at, value) == (100, 0) {
                continue;
            }
            put(&mut bytes, at, value);
            mend_header(&mut bytes);
            let result = load(&bytes);
            assert!(matches!(result, Err(ImageError::Content { .. })), "{at}: {value}: {:?}", result.err());
        }
    }
    for at in [108, 116, 124, 128, 372, 388, 4_084] {
        let error = header(at, 77);
        assert!(matches!(error, ImageError::Content { section: "header", .. }), "{at}: {error}");
    }
    let error = header(8, 3);
    assert!(matches!(error, ImageError::Version { found: 3, .. }), "{error}");
}

/// Uses an index in every way.
fn use_up(index: &VectorIndex) {
    let dimension = index.options().dimension;
    let some = index.slots().iter().step_by(2).collect();
    let queries = vectors(40, 3, dimension);
    for query in &queries {
        for (exact, allowed) in [(false, None), (true, None), (false, Some(&some))] {
            let hits = index
                .search(query, 5, &VectorQuery { ef: Some(20), allowed, exact, ..VectorQuery::default() })
                .unwrap();
            assert!(hits.len() <= 5 && hits.iter().all(|hit| index.contains(hit.slot)));
        }
    }
    let live: Vec<u32> = index.slots().iter().step_by(7).collect();
    live.into_iter().for_each(|slot| assert!(index.remove(slot)));
    (0..).zip(&queries).for_each(|(slot, query)| index.insert(slot, query).unwrap());
    let saved = Saved::of(index);
    assert!(VectorIndex::load(&saved.path, None).is_ok(), "what was accepted can be saved and loaded again");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_accepted_can_be_used(
        changes in proptest::collection::vec((0..Section::ALL.len(), any::<prop::sample::Index>(), 0..1_200_u32), 1..8),
        is_small in any::<bool>(),
    ) {
        let mut bytes = LIVED_IN.clone();
        for (section, at, value) in changes {
            let [offset, rows, row, _] = place(&bytes, section);
            let at = offset + at.index(rows * row - 3) / 4 * 4;
            put(&mut bytes, at, if is_small { value % 3 } else { value });
        }
        mend(&mut bytes);
        if let Ok(index) = load(&bytes) {
            use_up(&index);
        }
    }
}

#[test]
fn the_tests_above_use_an_index_with_everything() {
    let used = load(&LIVED_IN).unwrap();
    assert_eq!(used.options(), &VectorOptions { folder: None, ..options(3) });
    for section in 0..Section::ALL.len() {
        assert!(place(&LIVED_IN, section)[1] > 0, "section {section} is empty");
    }
    use_up(&used);
}
