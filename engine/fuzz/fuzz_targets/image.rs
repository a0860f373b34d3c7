//! Loads any bytes as an image of a vector index, and uses in every way what is accepted.
//!
//! The first byte of an input chooses an image that is built here; the others change it, ten bytes a change: a section (or the header), a place
//! there, and four bytes. Or, when it chooses none, they are the file. Then all checksums are made right, going by the tables that the file has of its
//! sections, so that what is behind them is reached.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use coditect_engine::vector::{Metric, Quantization, VectorIndex, VectorOptions, VectorQuery};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use twox_hash::XxHash3_64;

/// Bytes of the header, and of its table, as the format has them.
const HEADER: usize = 4_096;
const TABLE: usize = 104;
const SECTIONS: usize = 11;

struct Place {
    folder: TempDir,
    bases: Vec<Vec<u8>>,
}

static PLACE: LazyLock<Place> = LazyLock::new(|| {
    // One thread: what an input does must not depend on the others.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let path = folder.path().join("base");
    let bases = [
        index(VectorOptions::new(4), 0),
        index(VectorOptions::new(1), 5),
        index(VectorOptions::new(3), 40),
        index(VectorOptions::new(3), 1_040),
        index(VectorOptions { metric: Metric::Euclidean, ..VectorOptions::new(130) }, 1_040),
        index(VectorOptions { metric: Metric::Dot, ..VectorOptions::new(9) }, 1_500),
        index(VectorOptions { quantization: Quantization::Float16, ..VectorOptions::new(5) }, 1_040),
        index(VectorOptions { quantization: Quantization::Float32, ..VectorOptions::new(6) }, 1_040),
    ];
    let bases = bases.iter().map(|index| {
        index.save(&path).expect("an index can be saved");
        fs::read(&path).expect("what was saved can be read")
    });
    Place { bases: bases.collect(), folder }
});

/// An index of `count` vectors, some of them twice, after some were removed.
fn index(options: VectorOptions, count: u32) -> VectorIndex {
    let options = VectorOptions { m: 4, ef_construction: 16, ef_search: 16, exact_below: 0, ..options };
    let dimension = options.dimension;
    let index = VectorIndex::new(options).expect("the options are in range");
    let vectors: Vec<Vec<f32>> = (0..count).map(|i| vector(i - i % 50 / 45, dimension)).collect();
    let batch: Vec<(u32, &[f32])> = (0..count).map(|i| i + i / 100).zip(vectors.iter().map(Vec::as_slice)).collect();
    index.insert_batch(&batch).expect("the vectors are in range");
    (0..count).step_by(29).for_each(|slot| {
        index.remove(slot);
    });
    index
}

fn vector(number: u32, dimension: usize) -> Vec<f32> {
    let component =
        |place: usize| ((number as f32 + 1.0) * (place as f32 + 1.7)).sin() + (number % 7) as f32 * 0.3 + 0.01;
    (0..dimension).map(component).collect()
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, changes)) = input.split_first() else { return };
    let place = &*PLACE;
    let mut bytes = match place.bases.get(usize::from(choice)) {
        Some(base) => changed(base.clone(), changes),
        None => changes.to_vec(),
    };
    mend(&mut bytes);
    let path = place.folder.path().join("image");
    fs::write(&path, &bytes).expect("the temporary folder has room");
    if let Ok(index) = VectorIndex::load(&path, None) {
        use_up(&index, &path);
    }
});

fn changed(mut bytes: Vec<u8>, changes: &[u8]) -> Vec<u8> {
    for change in changes.as_chunks::<10>().0 {
        let at = u32::from_le_bytes([change[2], change[3], change[4], change[5]]) as usize;
        let section = usize::from(change[0]) % (SECTIONS + 1);
        let (from, length) =
            if section < SECTIONS { span(&bytes, section).unwrap_or((0, HEADER)) } else { (0, HEADER) };
        let at = from + at % length.max(4);
        // Links, levels and slots are of one, four or eight bytes: most changes replace whole numbers.
        let at = if change[1] % 4 == 0 { at } else { at / 4 * 4 };
        let count = if change[1] % 8 == 1 { 1 } else { 4 };
        if let Some(old) = bytes.get_mut(at..at + count) {
            old.copy_from_slice(&change[6..6 + count]);
        }
    }
    bytes
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<usize> {
    let mut wide = [0; 8];
    wide[..N].copy_from_slice(bytes.get(at..at + N)?);
    usize::try_from(u64::from_le_bytes(wide)).ok()
}

/// Where a section begins and its length, if it is within the file.
fn span(bytes: &[u8], section: usize) -> Option<(usize, usize)> {
    let at = TABLE + 24 * section;
    let (offset, rows) = (number::<8>(bytes, at)?, number::<8>(bytes, at + 8)?);
    let length = rows.checked_mul(number::<4>(bytes, at + 16)?)?;
    bytes.get(offset..offset.checked_add(length)?).map(|_| (offset, length))
}

/// Makes checksums right as far as the tables say where they are.
fn mend(bytes: &mut [u8]) {
    if bytes.len() < HEADER {
        return;
    }
    let mut checksums = Vec::new();
    for section in 0..SECTIONS {
        let at = TABLE + 24 * section;
        let (Some((offset, length)), Some(row), Some(rows)) =
            (span(bytes, section), number::<4>(bytes, at + 16), number::<4>(bytes, at + 20))
        else {
            continue;
        };
        let chunk = row.saturating_mul(rows).clamp(16, 1 << 20);
        checksums.extend(
            bytes[offset..offset + length].chunks(chunk).flat_map(|part| XxHash3_64::oneshot(part).to_le_bytes()),
        );
    }
    if let Some(place) = bytes.get_mut(HEADER..HEADER + checksums.len()) {
        place.copy_from_slice(&checksums);
    }
    let end = TABLE + 24 * SECTIONS;
    bytes[end + 8..end + 16].copy_from_slice(&XxHash3_64::oneshot(&checksums).to_le_bytes());
    let checksum = XxHash3_64::oneshot(&bytes[..HEADER - 8]);
    bytes[HEADER - 8..HEADER].copy_from_slice(&checksum.to_le_bytes());
}

/// Searches and changes an index, saves it and loads it again.
fn use_up(index: &VectorIndex, path: &PathBuf) {
    let dimension = index.options().dimension;
    let some = index.slots().iter().step_by(2).collect();
    for number in [3, 700] {
        let query = vector(number, dimension);
        for (exact, allowed) in [(false, None), (true, None), (false, Some(&some))] {
            let how = VectorQuery { ef: Some(20), allowed, exact, ..VectorQuery::default() };
            let hits = index.search(&query, 5, &how).expect("the query is in range");
            assert!(hits.len() <= 5 && hits.iter().all(|hit| index.contains(hit.slot)));
        }
    }
    let live: Vec<u32> = index.slots().iter().take(200).step_by(23).collect();
    live.into_iter().for_each(|slot| {
        index.remove(slot);
    });
    (0..5).for_each(|slot| index.insert(slot, &vector(slot + 5_000, dimension)).expect("the vector is in range"));
    index.save(path).expect("the temporary folder has room");
    let again = VectorIndex::load(path, None).expect("what was accepted can be saved and loaded again");
    assert_eq!(again.slots(), index.slots());
}
